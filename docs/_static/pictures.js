// Draws the pictures that pages hold as mermaid text; where mermaid is not there, the text stays.
if (window.mermaid) {
  const dark = document.body.dataset.theme === "dark"
    || (document.body.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "neutral" });
  for (const block of document.querySelectorAll(".highlight-mermaid")) {
    const picture = document.createElement("pre");
    picture.className = "mermaid";
    picture.textContent = block.textContent;
    block.replaceWith(picture);
  }
  mermaid.run();
}
