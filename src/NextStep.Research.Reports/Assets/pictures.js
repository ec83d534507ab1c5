// Sample sheets: one prompt in all arms, differences, heat maps, zoom.
(() => {
  const dialog = document.querySelector('dialog');
  const enlarged = dialog.querySelector('.enlarged');
  const title = document.getElementById('dialog-title');
  const steps = [...dialog.querySelectorAll('[data-step]')];
  let walk = null;

  const image = async (element) => {
    await element.decode().catch(() => undefined);
    return element;
  };

  // Paints a part of a figure's sheet: as it is, as the difference to the baseline's, or under a heat map.
  const paint = async (canvas, figure, base, part, mode) => {
    const [x, y, width, height] = part;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    const put = (source) => context.drawImage(source, x, y, width, height, 0, 0, width, height);
    put(await image(figure.querySelector('.sheet')));
    if (mode === 'difference') {
      if (base) {
        context.globalCompositeOperation = 'difference';
        put(await image(base.querySelector('.sheet')));
        context.globalCompositeOperation = 'lighter';
        context.drawImage(canvas, 0, 0);
      }
    } else if (mode !== 'plain') {
      const heat = figure.querySelector(`.heat[data-role="${CSS.escape(mode)}"]`);
      context.fillStyle = 'rgba(0,0,0,0.45)';
      context.fillRect(0, 0, width, height);
      if (heat) {
        context.globalCompositeOperation = 'screen';
        put(await image(heat));
      }
    }
    return canvas;
  };

  const show = (heading, nodes, step) => {
    title.textContent = heading;
    enlarged.replaceChildren(...nodes);
    walk = step;
    steps.forEach((button) => { button.hidden = !step; });
    if (!dialog.open) {
      dialog.showModal();
    }
  };
  steps.forEach((button) => button.addEventListener('click', () => walk?.(Number(button.dataset.step))));
  dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && walk) {
      event.preventDefault();
      walk(step);
    }
  });

  const captioned = (arms, node) => {
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.append(Object.assign(document.createElement('bdi'), { textContent: arms.replace(/[,=]/g, '$&\u200b') }));
    caption.style.maxWidth = node.style.width;
    figure.append(caption, node);
    return figure;
  };
  const named = (figure) => figure.querySelector('figcaption bdi').textContent;

  class Album {
    constructor(section) {
      this.section = section;
      this.layout = Object.fromEntries(['count', 'columns', 'width', 'height', 'gap'].map((key) => [key, Number(section.dataset[key])]));
      const prompts = section.querySelector('.prompts-data');
      this.bySeed = prompts ? JSON.parse(prompts.textContent) : null;
      for (const radio of section.querySelectorAll('.controls input')) {
        radio.addEventListener('change', () => this.update());
      }
      for (const button of section.querySelectorAll('.zoom')) {
        button.addEventListener('click', (event) => this.zoom(button.closest('figure'), event));
      }
      if (this.bySeed) {
        this.rows = section.querySelector('.by-prompt');
        this.rows.addEventListener('click', (event) => {
          const row = event.target.closest('.cells') && event.target.closest('.row');
          if (row) {
            this.enlarge(Number(row.dataset.index));
          } else if (event.target.closest('.more')) {
            this.all = true;
            this.update();
          }
        });
      }
    }

    get seed() { return this.section.querySelector('input[name$=-seed]:checked')?.value ?? this.section.querySelector('.seed').dataset.seed; }
    get prompts() { return this.bySeed[this.seed] ?? []; }
    get mode() { return this.section.querySelector('input[name$=-show]:checked')?.value ?? 'plain'; }
    get group() { return this.section.querySelector(`.seed[data-seed="${this.seed}"]`); }
    get figures() { return [...this.group.querySelectorAll('figure')].filter((f) => f.querySelector('.sheet') && page.shows(page.armsOf(f))); }
    get base() { return this.group.querySelector('figure[data-arms="0"]:has(.sheet)'); }

    part(index) {
      const { columns, width, height, gap } = this.layout;
      return [(index % columns) * (width + gap), Math.floor(index / columns) * (height + gap), width, height];
    }

    canvas(figure, part, words, size) {
      const canvas = document.createElement('canvas');
      const scale = Math.max(1, Math.floor(size / part[2]));
      canvas.style.width = `${part[2] * scale}px`;
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', words);
      paint(canvas, figure, this.base, part, this.mode);
      return canvas;
    }

    update() {
      for (const group of this.section.querySelectorAll('.seed')) {
        group.classList.toggle('closed', group !== this.group);
      }
      for (const figure of this.figures) {
        figure.querySelector('canvas.over')?.remove();
        if (this.mode !== 'plain') {
          const sheet = figure.querySelector('.sheet');
          const over = Object.assign(document.createElement('canvas'), { className: 'over' });
          over.setAttribute('aria-hidden', 'true');
          sheet.after(over);
          image(sheet).then(() => paint(over, figure, this.base, [0, 0, sheet.naturalWidth, sheet.naturalHeight], this.mode));
        }
      }
      if (this.rows) {
        this.fill();
      }
    }

    fill() {
      const shown = this.all ? this.prompts.length : Math.min(6, this.prompts.length);
      const rows = this.prompts.slice(0, shown).map((prompt, index) => {
        const row = Object.assign(document.createElement('div'), { className: 'row' });
        row.dataset.index = index;
        const heading = document.createElement('h4');
        heading.append(Object.assign(document.createElement('bdi'), { textContent: prompt }));
        const cells = Object.assign(document.createElement('button'), { type: 'button', className: 'cells' });
        cells.setAttribute('aria-label', `Enlarge all arms for: ${prompt}`);
        cells.append(...this.figures.map((figure) => captioned(named(figure), this.canvas(figure, this.part(index), `${named(figure)}: ${prompt}`, this.figures.length <= 4 ? 168 : 104))));
        row.append(heading, cells);
        return row;
      });
      if (shown < this.prompts.length) {
        rows.push(Object.assign(document.createElement('button'), { type: 'button', className: 'more', textContent: `Show all ${this.prompts.length} prompts` }));
      }
      this.rows.replaceChildren(...rows);
    }

    enlarge(index) {
      const at = (index + this.prompts.length) % this.prompts.length;
      const size = Math.min(320, innerWidth * 0.82, Math.max(128, innerWidth * 0.86 / Math.max(1, this.figures.length)));
      const large = this.figures.map((figure) => captioned(named(figure), this.canvas(figure, this.part(at), `${named(figure)}: ${this.prompts[at]}`, size)));
      const label = this.mode === 'plain' ? '' : ` (${this.section.querySelector('input[name$=-show]:checked + span').textContent.toLowerCase()})`;
      show(`${at + 1} of ${this.prompts.length}: ${this.prompts[at]}${label}`, large, (step) => this.enlarge(at + step));
    }

    zoom(figure, event) {
      const sheet = figure.querySelector('.sheet');
      if (this.bySeed) {
        // Where on the sheet it was selected; from the keyboard the first.
        const box = sheet.getBoundingClientRect();
        const { columns, width, height, gap, count } = this.layout;
        const inside = event.detail > 0 && box.width > 0;
        const column = inside ? Math.floor((event.clientX - box.left) / box.width * sheet.naturalWidth / (width + gap)) : 0;
        const row = inside ? Math.floor((event.clientY - box.top) / box.height * sheet.naturalHeight / (height + gap)) : 0;
        this.enlarge(Math.min(count - 1, Math.max(0, row * columns + Math.min(columns - 1, column))));
        return;
      }
      const large = Object.assign(new Image(), { src: sheet.src, alt: sheet.alt });
      const scale = Math.max(1, Math.floor(Math.min(innerWidth * 0.9 / sheet.naturalWidth, innerHeight * 0.8 / sheet.naturalHeight)));
      large.width = sheet.naturalWidth * scale;
      show(named(figure), [large], null);
    }
  }

  const albums = [...document.querySelectorAll('.album')].map((section) => new Album(section));
  page.onArms(() => albums.forEach((album) => album.update()));
  page.apply();
})();
