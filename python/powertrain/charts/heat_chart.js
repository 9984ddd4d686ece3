"use strict";

// Distributions over time, a band for each layer: dark where many numbers are. Values are read under the pointer, by touch
// and by keyboard. Names are set as text, never as markup.
const HeatChart = (() => {
  const HEIGHT = 44; // pixels of a band
  const MARK = 3; // pixels of the row of zeros, and of the gap above it
  const FULL = 0.4; // a bin with this share of the numbers, or more, has the full colour
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const MOVES = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

  const add = (parent, name, properties) => parent.appendChild(Object.assign(document.createElement(name), properties));
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const short = (value) => String(Number(value.toPrecision(2)));
  const percent = (share) => `${Number((100 * share).toPrecision(2))} %`;

  return class HeatChart {
    // place: an element, whose width the chart takes. data: {title, across, lowest, bands: [{name, x, columns}]}. A column
    // has two hexadecimal digits, of 255, for the share of zeros, then for each power of two from `lowest` on.
    constructor(place, data) {
      this.place = place;
      place.classList.add("heat-chart");
      this.title = add(place, "h3");
      this.ends = add(place, "p", {className: "ends"});
      this.surface = add(place, "div", {className: "plot", tabIndex: 0, role: "application"});
      this.readings = add(place, "p", {className: "readings", ariaLive: "polite"});
      this.surface.addEventListener("keydown", (event) => this.press(event));
      this.update(data);
      dark.addEventListener("change", () => this.draw());
      new ResizeObserver(() => this.draw()).observe(this.surface);
    }

    update(data) {
      this.data = data;
      this.title.textContent = data.title;
      const high = data.lowest + Math.max(1, ...data.bands.map((band) => band.columns[0].length / 2 - 1));
      this.ends.textContent = `Sizes from ${short(2 ** data.lowest)} at the bottom of a band to ${short(2 ** high)} at its ` +
        "top; the row beneath shows zeros.";
      this.surface.ariaLabel = `${data.title} by ${data.across} and layer. Arrow keys read values.`;
      this.from = Math.min(...data.bands.map((band) => band.x[0]));
      this.to = Math.max(...data.bands.map(HeatChart.end));
      const same = this.canvases?.length === data.bands.length;
      if (!same) this.makeBands();
      data.bands.forEach((band, at) => { this.names[at].textContent = band.name; });
      this.read(same ? this.at : null);
    }

    makeBands() {
      this.surface.replaceChildren();
      this.names = [];
      this.canvases = this.data.bands.map((band, at) => {
        this.names.push(add(this.surface, "div", {className: "band"}));
        const canvas = add(this.surface, "canvas", {ariaHidden: "true"});
        for (const kind of ["pointermove", "pointerdown"]) canvas.addEventListener(kind, (event) => this.point(event, at));
        canvas.addEventListener("pointerleave", () => this.read(null));
        return canvas;
      });
    }

    // A column lasts until the next one, and the last as long as the one before.
    static end(band) {
      const [before, last] = [band.x.at(-2), band.x.at(-1)];
      return last + (before === undefined ? 1 : last - before);
    }

    // Where columns begin, and where the last one ends, in shares of the width.
    edges(band) {
      return [...band.x, HeatChart.end(band)].map((x) => (x - this.from) / (this.to - this.from));
    }

    draw() {
      this.data.bands.forEach((band, at) => this.drawBand(this.canvases[at], band, at === this.at?.band ? this.at.column : null));
    }

    drawBand(canvas, band, marked) {
      const width = Math.max(this.surface.clientWidth, 100), scale = devicePixelRatio;
      Object.assign(canvas, {width: width * scale, height: HEIGHT * scale});
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      const edges = this.edges(band).map((edge) => Math.round(edge * width));
      const rows = band.columns[0].length / 2 - 1, tall = (HEIGHT - 2 * MARK) / rows;
      context.fillStyle = dark.matches ? "#6cb2f0" : "#1f77b4";
      band.columns.forEach((column, at) => {
        const shares = HeatChart.shares(column), [left, right] = [edges[at], edges[at + 1]];
        shares.forEach((share, row) => {
          if (!share) return;
          context.globalAlpha = Math.sqrt(within(share / FULL, 0, 1));
          if (row) context.fillRect(left, (rows - row) * tall, right - left, tall);
          else context.fillRect(left, HEIGHT - MARK, right - left, MARK);
        });
      });
      context.globalAlpha = 1;
      context.fillStyle = getComputedStyle(this.place).color;
      if (marked !== null) context.fillRect((edges[marked] + edges[marked + 1]) / 2, 0, 1, HEIGHT);
    }

    static shares(column) {
      return Array.from({length: column.length / 2}, (_, at) => parseInt(column.slice(2 * at, 2 * at + 2), 16) / 255);
    }

    point(event, band) {
      const box = event.target.getBoundingClientRect();
      const edges = this.edges(this.data.bands[band]), across = (event.clientX - box.left) / box.width;
      this.read({band, column: within(edges.findLastIndex((edge) => edge <= across), 0, edges.length - 2)});
    }

    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in MOVES)) return;
      const [aside, down] = MOVES[event.key], bands = this.data.bands;
      const at = this.at ?? {band: 0, column: bands[0].x.length - 1}; // the first key chooses it
      const band = within(at.band + down, 0, bands.length - 1);
      this.read({band, column: within(at.column + (this.at ? aside : 0), 0, bands[band].x.length - 1)});
      event.preventDefault();
    }

    // Say what is in one column; where none is chosen, what the bands reach over.
    read(at) {
      this.at = at;
      const band = at && this.data.bands[at.band], whole = (x) => x.toLocaleString("en");
      const last = Math.max(...this.data.bands.map((band) => band.x.at(-1)));
      this.readings.textContent = `${this.data.across} ` +
        (at ? `${whole(band.x[at.column])}, ${band.name}: ${this.inWords(band.columns[at.column])}`
          : `${whole(this.from)} to ${whole(last)}`);
      this.draw();
    }

    inWords(column) {
      const [zeros, ...shares] = HeatChart.shares(column), sized = shares.reduce((sum, share) => sum + share, 0);
      const size = (wanted) => {
        let sum = 0;
        const row = shares.findIndex((share) => (sum += share) >= wanted * sized);
        return short(2 ** (this.data.lowest + row + 0.5));
      };
      const told = sized ? [`median size ${size(0.5)}`, `nine tenths from ${size(0.05)} to ${size(0.95)}`] : [];
      if (zeros) told.push(`zeros ${percent(zeros)}`);
      if (zeros + sized < 0.95) told.push(`not finite ${percent(1 - zeros - sized)}`);
      return told.join(", ");
    }
  };
})();

for (const place of document.querySelectorAll("[data-heat]")) {
  new HeatChart(place, JSON.parse(place.dataset.heat));
  document.documentElement.classList.add("interactive");
}
