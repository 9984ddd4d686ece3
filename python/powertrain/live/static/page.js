"use strict";

// The live page: events say which runs there are and how busy the machine is; what is shown of a run is fetched when it has
// changed. Names and texts of runs are set as text, never as markup.

const MOST_SHOWN = 8; // runs at a time, as many as the server keeps in memory
const FIRST_SHOWN = 4; // of those that train, before anybody has chosen
const MOST_VALUES = 4; // of a run, in its row
const MOST_SECONDS = 600; // of the machine's load
const MOST_SAMPLES = 12, MOST_ENTRIES = 200;

const byId = (id) => document.getElementById(id);
const add = (parent, name, properties = {}) => parent.appendChild(Object.assign(document.createElement(name), properties));
const digits = (value) => Number.isInteger(value) ? undefined : {maximumSignificantDigits: 4}; // all of those of a count
const number = (value) => typeof value === "number" ? value.toLocaleString("en", digits(value)) : value;
const bytes = (value) => value === undefined ? "" : `${number(value / 2 ** 20)} MB`;
const clock = (seconds) => typeof seconds === "number" ? new Date(seconds * 1000).toLocaleTimeString() : "";

// Charts and the like by title, or by a key of their own, which stay while their data change.
class Charts {
  constructor(place, kind) {
    this.place = place;
    this.kind = kind; // of chart: what is made of an element and data
    this.charts = new Map();
  }

  // Show these charts, in this order, and no others.
  show(all) {
    const key = (data) => data.key ?? data.title;
    const keys = new Set(all.map(key));
    for (const [known, chart] of this.charts) {
      if (keys.has(known)) continue;
      chart.place.remove();
      this.charts.delete(known);
    }
    let before = null; // the element after which the next one stands
    for (const data of all) {
      if (this.charts.has(key(data))) {
        this.charts.get(key(data)).update(data);
      } else {
        const element = document.createElement("div");
        this.place.insertBefore(element, before ? before.nextSibling : this.place.firstChild);
        this.charts.set(key(data), new this.kind(element, data));
      }
      before = this.charts.get(key(data)).place;
    }
  }
}

// Samples of one kind from one run, those of one evaluation at a time: the newest, until somebody goes back.
class Sheets {
  constructor(place, data) {
    this.place = place;
    place.className = "sheet";
    this.title = add(place, "h3");
    const when = add(place, "div", {className: "when"});
    this.range = add(when, "input", {type: "range", min: 0, step: 1});
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    this.step = add(when, "span", {className: "quiet"});
    this.newest = add(when, "button", {type: "button", textContent: "Newest"});
    this.newest.addEventListener("click", () => this.go(this.items.length - 1));
    this.body = add(place, "div");
    this.drawn = ""; // the file that is shown
    this.update(data);
  }

  update(data) {
    const before = this.followed === false ? this.items[this.at].step : Infinity;
    this.items = data.items;
    this.run = data.run;
    this.title.textContent = data.title;
    this.range.ariaLabel = `evaluations of ${data.title}`;
    this.range.max = this.items.length - 1;
    this.range.hidden = this.items.length < 2;
    this.go(Math.max(0, this.items.findLastIndex((item) => item.step <= before)));
  }

  go(at) {
    this.at = at;
    this.followed = at === this.items.length - 1;
    const item = this.items[at];
    const text = `after ${number(item.step)} steps`;
    this.range.value = at;
    this.range.ariaValueText = text;
    this.step.textContent = text;
    this.newest.hidden = this.followed;
    this.show(item);
  }

  show(item) {
    if (item.file === this.drawn) return;
    const from = `runs/${this.run}/samples/${item.file}`;
    if (item.kind === "sounds") this.hear(item, from);
    else this.see(item, from);
  }

  hear(item, from) {
    const player = this.body.firstChild ?? add(this.body, "audio", {controls: true});
    if (!player.paused && this.followed) return; // nobody is cut off by what is new
    player.src = from;
    player.ariaLabel = `${number(item.count)} sounds, one after the other`;
    this.drawn = item.file;
  }

  async see(item, from) {
    this.drawn = item.file;
    const sheet = new Image();
    sheet.src = from;
    const there = await sheet.decode().then(() => true, () => false);
    if (this.drawn !== item.file) return; // somebody has gone on meanwhile
    if (!there) {
      this.body.replaceChildren();
      add(this.body, "p", {className: "quiet", textContent: "The run does not keep these any more."});
      return;
    }
    const grid = document.createElement("div");
    grid.className = "pictures";
    for (let at = 0; at < item.count; at++) {
      const figure = add(grid, "figure");
      const title = item.titles[at] ?? "";
      const canvas = add(figure, "canvas", {width: item.width, height: item.height, role: "img", ariaLabel: title || `sample ${at + 1}`});
      const [left, top] = [item.width * (at % item.columns), item.height * Math.floor(at / item.columns)];
      canvas.getContext("2d").drawImage(sheet, left, top, item.width, item.height, 0, 0, item.width, item.height);
      if (title) add(figure, "figcaption", {textContent: title});
    }
    this.body.replaceChildren(grid);
  }
}

class Runs {
  constructor() {
    this.rows = [];
    this.chosen = null; // the runs that are shown, once somebody has chosen; until then those that train
    this.loaded = new Map(); // what was fetched of a run, with the version of its ledger
    this.charts = new Charts(byId("curves"), CurveChart);
    this.layers = new Charts(byId("layers"), HeatChart);
    this.sheets = new Charts(byId("sheets"), Sheets);
    this.asked = false; // for what has changed, since the last fetch began
    this.fetching = false;
  }

  shown() {
    const ids = this.rows.map((row) => row.id);
    if (this.chosen) return ids.filter((id) => this.chosen.has(id));
    const training = this.rows.filter((row) => row.state === "training").map((row) => row.id);
    return (training.length ? training : ids.slice(0, 1)).slice(0, FIRST_SHOWN);
  }

  take(found) {
    this.rows = found.runs;
    byId("no-runs").hidden = found.runs.length > 0;
    byId("no-runs").textContent = `No runs in ${found.places.join(", ")} yet. A run that begins there appears here.`;
    byId("runs-left-out").hidden = !found.left_out;
    byId("runs-left-out").textContent = `${number(found.left_out)} older runs are not listed.`;
    this.drawTable();
    this.fetch();
  }

  choose(id, wanted) {
    this.chosen = new Set(this.shown());
    if (wanted) this.chosen.add(id);
    else this.chosen.delete(id);
    this.drawTable();
    this.fetch();
  }

  drawTable() {
    const shown = new Set(this.shown());
    const focused = document.activeElement?.dataset?.run; // drawing anew must not take the focus away
    const body = byId("runs").tBodies[0];
    body.replaceChildren();
    for (const row of this.rows) {
      const line = add(body, "tr");
      const box = add(add(line, "td"), "input", {type: "checkbox", checked: shown.has(row.id), ariaLabel: `show ${row.name}`});
      box.dataset.run = row.id;
      box.disabled = !box.checked && shown.size >= MOST_SHOWN;
      box.addEventListener("change", () => this.choose(row.id, box.checked));
      if (row.id === focused) box.focus();
      const name = add(line, "td", {textContent: row.name});
      if (row.recipe && !row.name.startsWith(row.recipe)) add(name, "span", {className: "quiet", textContent: ` ${row.recipe}`});
      const kind = {training: "good", damaged: "bad"}[row.state] ?? "quiet";
      add(line, "td", {className: kind, textContent: row.state, title: row.problem});
      add(line, "td", {className: "number", textContent: number(row.step)});
      add(line, "td", {className: "number", textContent: row.epoch == null ? "" : number(row.epoch)});
      add(line, "td", {textContent: row.problem || this.lastValues(row.values)});
    }
  }

  // Values of the validation part come first.
  lastValues(values) {
    const entries = Object.entries(values).sort(([one], [other]) => other.startsWith("valid.") - one.startsWith("valid."));
    return entries.slice(0, MOST_VALUES).map(([name, value]) => `${name} ${number(value)}`).join("   ");
  }

  // Fetch what has changed and draw it; once more where somebody chooses another run meanwhile.
  async fetch() {
    this.asked = true;
    if (this.fetching) return;
    this.fetching = true;
    try {
      while (this.asked) {
        this.asked = false;
        await this.fetchChanged();
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the server cannot be reached: the events say so
    } finally {
      this.fetching = false;
    }
  }

  // Of the runs that are shown, one after the other.
  async fetchChanged() {
    for (const id of this.shown()) {
      const version = String(this.rows.find((row) => row.id === id)?.version);
      const before = this.loaded.get(id);
      if (before?.version === version && before.read >= 1) continue;
      const answer = await fetch(`runs/${id}`);
      if (answer.ok) this.loaded.set(id, {...await answer.json(), version});
      else this.loaded.delete(id);
    }
    const shown = this.shown();
    for (const id of this.loaded.keys()) if (!shown.includes(id)) this.loaded.delete(id);
    this.draw(shown.map((id) => this.loaded.get(id)).filter(Boolean));
  }

  draw(loaded) {
    const name = (run) => this.rows.find((row) => row.id === run.id)?.name ?? run.id;
    const behind = loaded.filter((run) => run.read < 1);
    byId("reading").hidden = !behind.length;
    byId("reading").textContent = behind.map((run) => `reading ${name(run)}: ${Math.floor(100 * run.read)} %`).join(", ");
    const problems = loaded.filter((run) => run.problem).map((run) => `${name(run)}: ${run.problem}`);
    byId("problems").hidden = !problems.length;
    byId("problems").textContent = problems.join("; ");
    this.charts.show(this.chartsOf(loaded, name));
    byId("inside").hidden = !loaded.some((run) => run.layers.length); // first, so that charts know their width
    this.layers.show(this.layersOf(loaded, name));
    this.sheets.show(this.sheetsOf(loaded, name));
    this.drawSamples(loaded, name);
    this.drawLog(loaded, name);
    if (behind.length) setTimeout(() => this.fetch(), 100);
  }

  // The charts of all runs by title, with the lines of every run in them.
  chartsOf(loaded, name) {
    const found = new Map();
    for (const run of loaded) {
      for (const chart of run.charts) {
        if (!found.has(chart.title)) found.set(chart.title, {...chart, lines: []});
        const named = chart.lines.map((line) => ({...line, name: loaded.length > 1 ? `${name(run)} ${line.name}` : line.name}));
        found.get(chart.title).lines.push(...named);
      }
    }
    return [...found.values()];
  }

  // Distributions cannot lie over each other as curves can, so each run has charts of its own.
  layersOf(loaded, name) {
    const titled = (run, chart) => loaded.length > 1 ? `${name(run)} ${chart.title}` : chart.title;
    return loaded.flatMap((run) => run.layers.map((chart) => ({...chart, title: titled(run, chart), key: run.id + chart.title})));
  }

  sheetsOf(loaded, name) {
    return loaded.flatMap((run) => ["pictures", "sounds"].flatMap((kind) => {
      const items = run.sheets.filter((sheet) => sheet.kind === kind);
      const title = loaded.length > 1 ? `${name(run)} ${kind}` : kind;
      return items.length ? [{title, key: run.id + kind, run: run.id, items}] : [];
    }));
  }

  drawSamples(loaded, name) {
    const samples = loaded.flatMap((run) => run.samples.map((sample) => ({...sample, run: name(run)})));
    samples.sort((one, other) => other.step - one.step);
    const place = byId("samples");
    place.replaceChildren();
    for (const sample of samples.slice(0, MOST_SAMPLES)) {
      add(place, "div", {className: "quiet", textContent: `${sample.run}, after ${number(sample.step)} steps`});
      add(place, "pre", {textContent: sample.text});
    }
    const none = !samples.length && !loaded.some((run) => run.sheets.length);
    if (none) add(place, "p", {className: "quiet", textContent: "None yet."});
  }

  drawLog(loaded, name) {
    const entries = loaded.flatMap((run) => run.log.map((entry) => ({...entry, run: name(run)}))).reverse();
    entries.sort((one, other) => (other.time ?? 0) - (one.time ?? 0));
    const body = byId("log").tBodies[0];
    body.replaceChildren();
    for (const entry of entries.slice(0, MOST_ENTRIES)) {
      const line = add(body, "tr");
      for (const text of [clock(entry.time), entry.run, `step ${number(entry.step)}`, entry.event, entry.text]) {
        add(line, "td", {textContent: text});
      }
    }
  }
}

class Load {
  constructor(runs) {
    this.runs = runs;
    this.charts = new Charts(byId("load"), CurveChart);
    this.began = performance.now();
    this.readings = [];
  }

  take(load) {
    const seconds = Math.round((performance.now() - this.began) / 100) / 10;
    this.readings.push({seconds, ...load});
    while (seconds - this.readings[0].seconds > MOST_SECONDS) this.readings.shift();
    const across = "seconds since the page was opened";
    const line = (name, value) => {
      const known = this.readings.filter((reading) => value(reading) !== undefined);
      return {name, x: known.map((reading) => reading.seconds), y: known.map(value)};
    };
    const percent = (reading) => reading.busy === undefined ? undefined : Number((100 * reading.busy).toFixed(1));
    const charts = [
      {title: "processors busy (%)", across, lines: [line(`all ${load.processors} processors`, percent)]},
      {title: "memory (GB)", across, lines: [line("used", (reading) => reading.memory && Number((reading.memory / 2 ** 30).toFixed(2)))]},
    ];
    this.charts.show(charts.filter((chart) => chart.lines[0].x.length));
    this.drawProcesses(load.runs);
  }

  drawProcesses(processes) {
    byId("processes").hidden = !Object.keys(processes).length;
    const body = byId("processes").tBodies[0];
    body.replaceChildren();
    for (const [id, used] of Object.entries(processes)) {
      const line = add(body, "tr");
      add(line, "td", {textContent: this.runs.rows.find((row) => row.id === id)?.name ?? ""});
      add(line, "td", {className: "number", textContent: used.processors === undefined ? "" : used.processors.toFixed(2)});
      add(line, "td", {className: "number", textContent: bytes(used.memory)});
    }
  }
}

const runs = new Runs();
const load = new Load(runs);
const events = new EventSource("events");
events.addEventListener("open", () => { byId("connection").textContent = "live"; });
events.addEventListener("error", () => {
  const refused = events.readyState === EventSource.CLOSED; // by a server that has another token
  byId("connection").textContent = `no connection; ${refused ? "open the address that powertrain watch printed last" : "trying again"}`;
});
events.addEventListener("runs", (event) => runs.take(JSON.parse(event.data)));
events.addEventListener("load", (event) => load.take(JSON.parse(event.data)));
