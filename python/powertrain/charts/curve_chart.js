"use strict";

// A chart of curves, drawn by uPlot: drag to zoom, values under the pointer, lines that can be hidden; all of it by touch
// and by keyboard too. Names are set as text, never as markup.
const CurveChart = (() => {
  const HEIGHT = 240; // pixels
  const FEW = 30; // points of a line, up to which each has a mark
  const FAINT = "rgba(128, 128, 128, 0.25)";
  // Each has a contrast of 3 or more on white, and on the dark background.
  const LIGHT = ["#1f77b4", "#c2500a", "#2a7d46", "#a4348e", "#8a6d00", "#5b3fb0", "#b3261e", "#00737d"];
  const DARK = ["#6cb2f0", "#ff9f5a", "#6fcf8a", "#e68bd3", "#e0c04a", "#b4a0f5", "#ff8a80", "#5ed0d8"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const MOVES = {ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity};
  const ZOOMS = {"+": 0.5, "=": 0.5, "-": 2};

  const add = (parent, name, properties) => parent.appendChild(Object.assign(document.createElement(name), properties));
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const whole = (value) => value.toLocaleString("en");
  const short = (value) => value == null ? "" : Math.abs(value) < 1e6 ? String(Number(value.toPrecision(4))) : value.toPrecision(4);

  // Marks of an axis are round numbers, but may lie close to each other: four digits would give several the same text.
  const exact = (value) => value == null ? "" : String(Number(value.toPrecision(10)));

  // Lines have values at places of their own: the place of the value that is nearest to another place.
  function nearest(values, at) {
    for (let far = 0; far < values.length; far++) {
      if (values[at - far] != null) return at - far;
      if (values[at + far] != null) return at + far;
    }
    return at;
  }

  return class CurveChart {
    // place: an element, whose width the chart takes. data: {title, across, lines: [{name, x, y}]}.
    constructor(place, data) {
      this.place = place;
      this.hidden = new Set();
      this.logarithmic = false;
      place.classList.add("curve-chart");
      this.title = add(place, "h3");
      this.surface = add(place, "div", {className: "plot", tabIndex: 0, role: "application"});
      this.readings = add(place, "div", {className: "readings"});
      const buttons = add(place, "div", {className: "tools"});
      this.scale = add(buttons, "button", {type: "button", textContent: "Logarithmic", ariaPressed: "false"});
      this.everything = add(buttons, "button", {type: "button", textContent: "Show all", hidden: true});
      this.spoken = add(place, "div", {className: "spoken", ariaLive: "polite"});
      this.scale.addEventListener("click", () => this.toggleScale());
      this.everything.addEventListener("click", () => this.showAll());
      this.surface.addEventListener("keydown", (event) => this.press(event));
      this.followFingers();
      this.update(data);
      dark.addEventListener("change", () => this.draw());
      new ResizeObserver(() => this.plot.setSize(this.size())).observe(this.surface);
    }

    // Draw other data. The lines may be others than before; where they are the same, what is zoomed stays so.
    update(data) {
      const names = data.lines.map((line) => line.name).join(", ");
      const same = this.names === names;
      this.names = names;
      this.data = data;
      this.title.textContent = data.title;
      this.surface.ariaLabel = `${data.title} by ${data.across}: ${names}. ` +
        "Arrow keys read values, plus and minus zoom, Escape shows all.";
      const values = data.lines.flatMap((line) => line.y);
      const low = values.reduce((low, value) => Math.min(low, value), Infinity);
      const wide = low > 0 && values.some((value) => value > 10 * low);
      this.scale.hidden = !wide && !this.logarithmic; // it would look the same, but there must be a way back
      if (!same) return this.draw();
      this.plot.setData(this.aligned(), !this.zoomed());
      this.read();
    }

    aligned() {
      return uPlot.join(this.data.lines.map((line) => [line.x, line.y]));
    }

    size() {
      return {width: Math.max(this.surface.clientWidth, 100), height: HEIGHT};
    }

    draw() {
      const colours = dark.matches ? DARK : LIGHT;
      const grid = {stroke: FAINT, width: 1};
      const axis = {stroke: getComputedStyle(this.place).color, grid, ticks: grid};
      const wide = (plot, texts) => 24 + 7 * Math.max(...(texts ?? []).map((text) => (text ?? "").length), 2);
      this.plot?.destroy();
      this.plot = new uPlot({
        ...this.size(),
        legend: {show: false},
        scales: {x: {time: false}, y: {distr: this.logarithmic ? 3 : 1}},
        axes: [
          {...axis, label: this.data.across, labelSize: 20, space: 70, values: (plot, marks) => marks.map(whole)},
          {...axis, size: wide, values: (plot, marks) => marks.map(exact)},
        ],
        series: [{}, ...this.data.lines.map((line, at) => ({
          stroke: colours[at % colours.length],
          dash: at < colours.length ? undefined : [6, 4],
          width: 2,
          points: {show: () => this.data.lines[at].x.length < FEW, fill: colours[at % colours.length]},
          show: !this.hidden.has(line.name),
        }))],
        cursor: {dataIdx: (plot, line, at) => line === 0 ? at : nearest(plot.data[line], at)},
        hooks: {
          setCursor: [() => this.read()],
          setScale: [(plot) => { this.everything.hidden = !this.zoomed(plot); }],
        },
      }, this.aligned(), this.surface);
      this.drawReadings(colours);
      this.read();
    }

    // A button for each line, which hides it and holds its value.
    drawReadings(colours) {
      this.readings.replaceChildren();
      this.where = add(this.readings, "span");
      this.values = this.data.lines.map((line, at) => {
        const button = add(this.readings, "button", {type: "button", ariaPressed: String(!this.hidden.has(line.name))});
        add(button, "span", {className: "mark"}).style.background = colours[at % colours.length];
        add(button, "span", {textContent: `${line.name} `});
        button.addEventListener("click", () => {
          if (!this.hidden.delete(line.name)) this.hidden.add(line.name);
          button.ariaPressed = String(!this.hidden.has(line.name));
          this.plot.setSeries(at + 1, {show: !this.hidden.has(line.name)});
        });
        return add(button, "b");
      });
    }

    // Say the values at the cursor, or the last ones where there is none.
    read() {
      if (!this.values) return; // uPlot calls while it is made
      const [across, ...lines] = this.plot.data;
      const {idx, idxs} = this.plot.cursor;
      const at = idx ?? across.length - 1;
      this.where.textContent = across.length ? `${this.data.across} ${whole(across[at])}` : "";
      this.values.forEach((value, line) => {
        const place = idx == null ? nearest(lines[line], at) : idxs[line + 1];
        value.textContent = short(lines[line][place]);
      });
    }

    toggleScale() {
      this.logarithmic = !this.logarithmic;
      this.scale.ariaPressed = String(this.logarithmic);
      this.draw();
    }

    zoomed(plot = this.plot) {
      const across = plot.data[0], {min, max} = plot.scales.x;
      return min > across[0] || max < across[across.length - 1];
    }

    showAll() {
      this.plot.setData(this.plot.data);
    }

    zoom(by, middle) {
      const across = this.plot.data[0], {min, max} = this.plot.scales.x;
      this.plot.setScale("x", {
        min: within(middle - (middle - min) * by, across[0], middle),
        max: within(middle + (max - middle) * by, middle, across[across.length - 1]),
      });
    }

    press(event) {
      const across = this.plot.data[0], [first, last] = this.plot.series[0].idxs;
      const at = this.plot.cursor.idx ?? last;
      if (event.ctrlKey || event.metaKey || event.altKey || !across.length) return;
      if (event.key in MOVES) this.readAt(within(at + MOVES[event.key] * (event.shiftKey ? 10 : 1), first, last));
      else if (event.key in ZOOMS) this.zoom(ZOOMS[event.key], across[at]);
      else if (event.key === "Escape") this.showAll();
      else return;
      event.preventDefault();
    }

    readAt(at) {
      this.moveTo(this.plot.valToPos(this.plot.data[0][at], "x"));
      this.spoken.textContent = this.readings.textContent;
    }

    moveTo(left) {
      this.plot.setCursor({left, top: this.plot.over.clientHeight / 2});
    }

    // One finger reads values, two zoom: uPlot itself knows the mouse alone.
    followFingers() {
      const fingers = new Map();
      const apart = () => Math.max(...fingers.values()) - Math.min(...fingers.values());
      const left = (x) => x - this.plot.over.getBoundingClientRect().left;
      this.surface.addEventListener("pointerdown", (event) => {
        if (event.pointerType === "touch") fingers.set(event.pointerId, event.clientX);
      });
      this.surface.addEventListener("pointermove", (event) => {
        if (!fingers.has(event.pointerId)) return;
        const before = apart();
        fingers.set(event.pointerId, event.clientX);
        if (fingers.size === 1) return this.moveTo(left(event.clientX));
        const middle = (Math.max(...fingers.values()) + Math.min(...fingers.values())) / 2;
        if (before > 0 && apart() > 0) this.zoom(before / apart(), this.plot.posToVal(left(middle), "x"));
      });
      for (const end of ["pointerup", "pointercancel"]) {
        this.surface.addEventListener(end, (event) => fingers.delete(event.pointerId));
      }
    }
  };
})();

// The charts that a page brings with it. Where this fails, the page shows its pictures.
for (const place of document.querySelectorAll("[data-curves]")) {
  new CurveChart(place, JSON.parse(place.dataset.curves));
  document.documentElement.classList.add("interactive");
}
