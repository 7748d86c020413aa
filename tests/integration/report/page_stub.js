// As much of a browser as the report's script needs: elements that keep what is put into them.
class Thing {
  constructor(name) { Object.assign(this, { name, attributes: {}, children: [], dataset: {}, style: {}, hidden: false, clientWidth: 900, offsetWidth: 10 }); }
  get classList() { return { add: (name) => this.setAttribute("class", `${this.attributes.class || ""} ${name}`) }; }
  get viewBox() { return { baseVal: { width: 900 } }; }
  setAttribute(key, value) { this.attributes[key] = String(value); }
  append(...more) { this.children.push(...more); }
  replaceChildren(...all) { this.children = all; }
  getBoundingClientRect() { return { left: 0, top: 0, width: 900 }; }
  get text() { return this.textContent !== undefined ? this.textContent : this.children.map((one) => (one instanceof Thing ? one.text : one)).join(""); }
  *all() { yield this; for (const one of this.children) if (one instanceof Thing) yield* one.all(); }
}
const PAGE = new Thing("main");
const document = {
  createElement: (name) => new Thing(name), createElementNS: (_, name) => new Thing(name), documentElement: new Thing("html"),
  getElementById: (id) => (id in INSIDE ? { textContent: INSIDE[id] } : PAGE),
};
const requestAnimationFrame = (act) => act();
class ResizeObserver { constructor(act) { this.act = act; } observe() { this.act(); } }

function report() {
  const things = [...PAGE.all()], of = (name) => things.filter((one) => one.name === name);
  const texts = things.filter((one) => one.textContent !== undefined).map((one) => one.textContent);
  const marks = things.filter((one) => one.dataset.tip);
  const numbers = things.flatMap((one) => Object.values(one.attributes)).concat(things.map((one) => one.text));
  const map = of("circle").filter((one) => one.dataset.tip && one.dataset.tip.startsWith("event"));
  console.log(JSON.stringify({
    sections: of("h2").map((one) => one.text), figures: of("h3").map((one) => one.text), marks: marks.length,
    undefined: numbers.filter((text) => /undefined|NaN|Infinity|null/.test(text)).slice(0, 3),
    names: [...new Set(of("text").filter((one) => (one.attributes.class || "") === "name" && !one.text.includes(".")).map((one) => one.text))].sort(),
    outside: map.filter((one) => !(one.attributes.cx >= 0 && one.attributes.cx <= 900)).length,
    scale: texts.find((text) => / km$/.test(text) && /^\d/.test(text)) || "",
  }));
}
