'use strict';
// Tabs, and which arms are shown.
const page = (() => {
  document.documentElement.classList.add('scripted');
  const boxes = [...document.querySelectorAll('input[name=arm]')];
  const listeners = [];
  const armsOf = (element) => element.dataset.arms.split(' ').map(Number);
  const chosen = () => new Set(boxes.filter((box) => box.checked).map((box) => Number(box.value)));
  const shows = (arms) => boxes.length === 0 || arms.some((arm) => boxes[arm].checked);

  const apply = () => {
    for (const element of document.querySelectorAll('[data-arms]')) {
      element.hidden = !shows(armsOf(element));
    }
    const picked = document.getElementById('picked');
    if (picked) {
      picked.textContent = `${chosen().size} of ${boxes.length}`;
    }
    listeners.forEach((listener) => listener());
  };
  boxes.forEach((box) => box.addEventListener('change', apply));
  for (const button of document.querySelectorAll('[data-pick]')) {
    button.addEventListener('click', () => {
      boxes.forEach((box, arm) => { box.checked = button.dataset.pick === 'all' || arm === 0; });
      apply();
    });
  }

  const picker = document.querySelector('.picker');
  if (picker && innerWidth < 640) {
    picker.open = false;
  }

  const select = (tab) => {
    for (const other of tab.parentElement.querySelectorAll('[role=tab]')) {
      const on = other === tab;
      other.setAttribute('aria-selected', String(on));
      other.tabIndex = on ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).classList.toggle('closed', !on);
    }
    document.getElementById(tab.getAttribute('aria-controls')).dispatchEvent(new Event('opened'));
  };
  for (const list of document.querySelectorAll('[role=tablist]')) {
    const tabs = [...list.querySelectorAll('[role=tab]')];
    list.addEventListener('click', (event) => {
      const tab = event.target.closest('[role=tab]');
      if (tab) {
        select(tab);
      }
    });
    list.addEventListener('keydown', (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (at >= 0 && to !== undefined) {
        event.preventDefault();
        const tab = tabs[(to + tabs.length) % tabs.length];
        select(tab);
        tab.focus();
      }
    });
    select(tabs[0]);
  }

  return { shows, armsOf, apply, onArms: (listener) => listeners.push(listener) };
})();
