// Draws the charts when they come near the screen; texts and grids follow the page's colours.
(() => {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const theme = (isDark) => {
    const ink = isDark ? '#e4e7eb' : '#1d2127', line = isDark ? '#343b45' : '#dfe3e8', paper = isDark ? '#1e2228' : '#ffffff';
    return {
      'font.color': ink, 'font.family': getComputedStyle(document.body).fontFamily, 'font.size': 13,
      'xaxis.gridcolor': line, 'yaxis.gridcolor': line, 'xaxis.linecolor': line, 'yaxis.linecolor': line,
      'xaxis.title.font.size': 13, 'yaxis.title.font.size': 13,
      'hoverlabel.bgcolor': paper, 'hoverlabel.bordercolor': line, 'hoverlabel.font.color': ink,
    };
  };

  // The legend stands above the lines in as many rows as it needs; the lines keep their height.
  const height = (plot, data, layout) => {
    const shown = layout.showlegend ? data.filter((trace) => trace.visible && trace.showlegend !== false) : [];
    let rows = shown.length > 0 ? 1 : 0, x = 0;
    for (const trace of shown) {
      const width = 52 + 7.6 * trace.name.length;
      if (x > 0 && x + width > plot.offsetWidth - 80) {
        rows += 1;
        x = 0;
      }
      x += width;
    }
    return layout.showlegend ? 290 + 27 * rows : layout.height;
  };

  const drawn = new Set();
  const visible = (trace) => !trace.meta || page.shows(trace.meta);
  const draw = (plot) => {
    if (drawn.has(plot) || plot.offsetWidth === 0) {
      return;
    }
    drawn.add(plot);
    const spec = JSON.parse(document.getElementById(plot.id + '-data').textContent);
    spec.data.forEach((trace) => { trace.visible = visible(trace); });
    spec.layout.height = height(plot, spec.data, spec.layout);
    plot.style.height = `${spec.layout.height}px`;
    Plotly.newPlot(plot, spec.data, spec.layout, spec.config).then(() => Plotly.relayout(plot, theme(dark.matches)));
  };
  const recolour = (isDark) => drawn.forEach((plot) => Plotly.relayout(plot, theme(isDark)));

  const plots = [...document.querySelectorAll('.plot')];
  const near = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)), { rootMargin: '800px' });
  plots.forEach((plot) => near.observe(plot));

  // All arms of lying charts stay, so that their rows do; a hidden arm leaves its row empty.
  page.onArms(() => drawn.forEach((plot) => {
    const states = plot.data.map(visible);
    if (states.some((state, i) => state !== plot.data[i].visible)) {
      const tall = height(plot, plot.data.map((trace, i) => ({ ...trace, visible: states[i] })), plot.layout);
      plot.style.height = `${tall}px`;
      Plotly.update(plot, { visible: states }, { height: tall });
    }
  }));

  dark.addEventListener('change', () => recolour(dark.matches));
  window.addEventListener('beforeprint', () => {
    plots.forEach(draw);
    recolour(false);
  });
  window.addEventListener('afterprint', () => recolour(dark.matches));
})();
