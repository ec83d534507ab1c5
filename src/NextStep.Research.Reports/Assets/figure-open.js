(() => {
  // Charts may be drawn before the output that brings plotly.js: each waits for it, and for its own frame.
  const open = async (figure) => {
    const frame = figure.querySelector("iframe"), drawing = figure.querySelector("svg");
    for (let i = 0; !(window.nextstepPlotly && frame.contentDocument && frame.contentDocument.getElementById("data")); i++) {
      if (i === 100) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    window.nextstepPlotlyText ??= (async () => {
      const bytes = Uint8Array.from(atob(window.nextstepPlotly), (c) => c.charCodeAt(0));
      return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    })();
    const inside = frame.contentDocument, script = inside.createElement("script");
    script.textContent = await window.nextstepPlotlyText;
    inside.head.appendChild(script);
    const chart = JSON.parse(inside.getElementById("data").textContent);
    frame.style.display = "block";
    frame.style.height = (chart.layout.height || 400) + 40 + "px";
    await frame.contentWindow.Plotly.newPlot("chart", chart.data, chart.layout, chart.config);
    drawing.style.display = "none";
  };
  for (const figure of document.querySelectorAll(".nextstep-figure:not([data-open])")) {
    figure.dataset.open = "";
    open(figure);
  }
})();
