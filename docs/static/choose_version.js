// A list of the versions of this site, where they lie side by side: tools/website/versions.py writes ../versions.js.
(function () {
  "use strict";
  const root = document.documentElement.dataset.content_root || "./";
  const here = new URL(root, document.location.href).pathname.split("/").filter(Boolean).pop();
  const page = document.location.href.slice(new URL(root, document.location.href).href.length);

  // The same page of another version, where it has one; else its first page.
  function go(version) {
    const base = new URL(root + "../" + version + "/", document.location.href);
    const same = new URL(page, base).href;
    if (!document.location.protocol.startsWith("http")) {
      document.location.href = new URL("index.html", base).href;
      return;
    }
    fetch(same, { method: "HEAD" })
      .then((answer) => (answer.ok ? same : new URL("index.html", base).href))
      .catch(() => new URL("index.html", base).href)
      .then((target) => { document.location.href = target; });
  }

  function show(versions) {
    const brand = document.querySelector(".sidebar-brand");
    if (!brand || !versions.all.includes(here)) return;
    const list = document.createElement("select");
    list.className = "versions";
    list.setAttribute("aria-label", "Version of the documentation");
    for (const version of versions.all) {
      const option = document.createElement("option");
      option.value = option.textContent = version;
      option.selected = version === here;
      list.append(option);
    }
    list.addEventListener("change", () => go(list.value));
    brand.after(list);
    if (here === versions.newest) return;
    const note = document.createElement("p");
    note.className = "old-version";
    const link = document.createElement("a");
    link.href = "#";
    link.textContent = versions.newest;
    link.addEventListener("click", (event) => { event.preventDefault(); go(versions.newest); });
    note.append("These pages are about version " + here + ". The newest is ", link, ".");
    const article = document.querySelector("article");
    if (article) article.prepend(note);
  }

  const script = document.createElement("script");
  script.src = root + "../versions.js";
  script.onload = () => show(window.powertrainVersions);
  document.head.append(script);  // a site that lies alone has no such file, and shows no list
})();
