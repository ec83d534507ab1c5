'use strict';
(() => {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');

  // Chart texts and grids follow the page; data colours suit both.
  const theme = (isDark) => {
    const ink = isDark ? '#e4e7eb' : '#1d2127', line = isDark ? '#343b45' : '#dfe3e8', paper = isDark ? '#1e2228' : '#ffffff';
    return {
      'font.color': ink, 'font.family': getComputedStyle(document.body).fontFamily, 'font.size': 13,
      'xaxis.gridcolor': line, 'yaxis.gridcolor': line, 'xaxis.linecolor': line, 'yaxis.linecolor': line,
      'hoverlabel.bgcolor': paper, 'hoverlabel.bordercolor': line, 'hoverlabel.font.color': ink,
    };
  };

  const drawn = [];
  const draw = async (plot) => {
    const spec = JSON.parse(document.getElementById(plot.id + '-data').textContent);
    await Plotly.newPlot(plot, spec.data, spec.layout, spec.config);
    drawn.push(plot);
    await Plotly.relayout(plot, theme(dark.matches));
  };
  const recolour = (isDark) => drawn.forEach((plot) => Plotly.relayout(plot, theme(isDark)));

  // A chart in a closed fold has no width yet; it is drawn when the fold opens.
  for (const plot of document.querySelectorAll('.plot')) {
    const fold = plot.closest('details:not([open])');
    if (fold) {
      fold.addEventListener('toggle', () => draw(plot), { once: true });
    } else {
      draw(plot);
    }
  }
  dark.addEventListener('change', () => recolour(dark.matches));
  window.addEventListener('beforeprint', () => recolour(false));
  window.addEventListener('afterprint', () => recolour(dark.matches));

  const dialog = document.querySelector('dialog');
  for (const button of document.querySelectorAll('.zoom')) {
    button.addEventListener('click', () => {
      const small = button.querySelector('img'), large = dialog.querySelector('img');
      large.src = small.src;
      large.alt = small.alt;
      const scale = Math.max(1, Math.floor(Math.min(innerWidth * 0.94 / small.naturalWidth, innerHeight * 0.86 / small.naturalHeight)));
      large.width = small.naturalWidth * scale;
      dialog.querySelector('p').textContent = button.getAttribute('aria-label').replace('Enlarge: ', '');
      dialog.showModal();
    });
  }
  dialog.addEventListener('click', () => dialog.close());
})();
