// What pages do beyond links and forms: hints on charts, keys, menus that close, fresh figures.
// Every page works without it. It keeps nothing and writes no markup, as the policy asks.
(() => {
  'use strict';

  const REFRESH_MS = 60_000;
  const WAITING_MS = 4_000;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const make = (name, text = '', className = '') => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // The theme: that of the system, until somebody chooses another. Only the choice is kept.

  const THEMES = ['light', 'dark'];
  const root = document.documentElement;
  const kept = () => {
    try {
      return localStorage.trim_beacons_theme;
    } catch {
      return null;
    }
  };
  const isDark = () => matchMedia('(prefers-color-scheme: dark)').matches;
  const themed = () => root.dataset.theme ?? THEMES[Number(isDark())];
  if (THEMES.includes(kept())) root.dataset.theme = kept();

  const addThemeButton = () => {
    const foot = one('.foot');
    if (!foot) return;
    const button = make('button', '', 'quiet-button');
    const label = () => { button.textContent = themed() === 'dark' ? 'Light colours' : 'Dark colours'; };
    button.addEventListener('click', () => {
      root.dataset.theme = themed() === 'dark' ? 'light' : 'dark';
      try {
        localStorage.trim_beacons_theme = root.dataset.theme;
      } catch {
        // Without a place to keep it, it holds for this page.
      }
      label();
    });
    label();
    foot.append(button);
  };

  // Charts. The words are those of each bucket's <title>, taken out so that the browser doesn't
  // show them a second time.

  const enhance = (plot) => {
    const buckets = all('.bucket', plot);
    if (buckets.length === 0) return;
    const figure = plot.closest('figure');
    const words = buckets.map((bucket) => {
      const title = one('title', bucket);
      const text = title?.textContent ?? '';
      title?.remove();
      if (bucket.hasAttribute('href')) bucket.setAttribute('aria-label', text.replaceAll('\n', ', '));
      return text;
    });
    const tip = make('div', '', 'tip');
    tip.setAttribute('role', 'status');
    tip.hidden = true;
    figure.append(tip);
    let shown = -1;
    let touching = false;

    const hide = () => {
      buckets[shown]?.classList.remove('pointed');
      shown = -1;
      tip.hidden = true;
    };

    // Above the bar, at most a little above the plot: never over what it speaks of.
    const place = (bucket) => {
      const frame = figure.getBoundingClientRect();
      const area = one('.hit', bucket).getBoundingClientRect();
      const bar = one('.bar', bucket)?.getBoundingClientRect();
      const top = (bar ?? area).top - frame.top - tip.offsetHeight - 6;
      const left = (area.left + area.right) / 2 - frame.left - tip.offsetWidth / 2;
      tip.style.left = `${Math.max(8, Math.min(left, frame.width - tip.offsetWidth - 8))}px`;
      tip.style.top = `${top}px`;
    };

    const show = (index) => {
      const bucket = buckets[index];
      if (!bucket || index === shown) return;
      hide();
      shown = index;
      bucket.classList.add('pointed');
      tip.replaceChildren(...words[index].split('\n').map((line) => make('span', line)));
      tip.hidden = false;
      place(bucket);
    };

    const under = (event) => buckets.indexOf(event.target.closest('.bucket'));

    plot.addEventListener('pointermove', (event) => {
      if (event.pointerType !== 'touch') show(under(event));
    });
    plot.addEventListener('pointerleave', (event) => {
      if (event.pointerType !== 'touch') hide();
    });
    plot.addEventListener('pointerdown', (event) => {
      touching = event.pointerType === 'touch';
    });
    // A first touch tells, a second one on the same bucket follows its link.
    plot.addEventListener('click', (event) => {
      const index = under(event);
      if (!touching || index < 0 || index === shown) return;
      event.preventDefault();
      show(index);
    });
    document.addEventListener('pointerdown', (event) => {
      if (!plot.contains(event.target)) hide();
    });

    plot.setAttribute('tabindex', '0');
    plot.addEventListener('focusout', hide);
    plot.addEventListener('keydown', (event) => {
      const last = buckets.length - 1;
      const step = { ArrowLeft: shown < 0 ? last : shown - 1, ArrowRight: shown + 1, Home: 0, End: last };
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key in step) {
        show(Math.max(0, Math.min(step[event.key], last)));
      } else if (event.key === 'Enter' && buckets[shown]?.hasAttribute('href')) {
        location.assign(buckets[shown].getAttribute('href'));
      } else if (event.key === 'Escape' && shown >= 0) {
        hide();
      } else {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    });
  };

  // Menus.

  const closeMenus = (except = null) => {
    const open = all('.menu[open]').filter((menu) => !menu.contains(except));
    open.forEach((menu) => { menu.open = false; });
    return open;
  };

  document.addEventListener('click', (event) => closeMenus(event.target));

  // Keys.

  const KEYS = [
    ['D  E  H', 'Today, yesterday, both by the hour'],
    ['W  F  T  N', 'Last 7, 28, 30, 91 days'],
    ['M  P', 'This month, last month'],
    ['Y  S  L', 'This year, 6 months, 12 months'],
    ['A', 'All time'],
    ['C', 'Change dates'],
    ['R', 'What is going on now'],
    ['X', 'Compare, or not'],
    ['I', 'Longer or shorter points'],
    ['←  →', 'Earlier, later'],
    ['1 … 9', 'Another site; where there is one site, a section'],
    ['/', 'Search'],
    ['Esc', 'Close what is open, else clear the filters'],
    ['?', 'These keys'],
  ];

  const showKeys = () => {
    const dialog = make('dialog');
    const list = make('dl');
    for (const [key, meaning] of KEYS) {
      const term = make('dt');
      term.append(make('kbd', key));
      list.append(term, make('dd', meaning));
    }
    const form = make('form');
    form.method = 'dialog';
    form.append(make('button', 'Close'));
    const heading = make('h2', 'Keys');
    heading.id = 'keys';
    dialog.setAttribute('aria-labelledby', heading.id);
    dialog.append(heading, list, form);
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };

  const follow = (link) => {
    if (link) location.assign(link.href);
    return Boolean(link);
  };

  // What a page offers under a key says so itself: a link, a menu, or a menu with a link of its own.
  const press = (key) => {
    const found = one(`[data-key="${key}"]`);
    if (!found) return false;
    if (found.dataset.href) location.assign(found.dataset.href);
    else if (found.matches('.menu')) {
      found.open = true;
      one('a', found)?.focus();
    } else follow(found);
    return true;
  };

  const otherInterval = () => {
    const links = all('.intervals a');
    const current = links.findIndex((link) => link.hasAttribute('aria-current'));
    return follow(links[(current + 1) % links.length]);
  };

  const numbered = (number) => {
    const sites = all('.site .menu a');
    return follow((sites.length > 0 ? sites : all('.sections a'))[number - 1]);
  };

  const search = () => {
    const field = one('input[type=search]');
    field?.select();
    return Boolean(field);
  };

  const act = (key) => {
    switch (key) {
      case 'Escape': {
        const [menu] = closeMenus();
        if (menu) one('summary', menu).focus();
        return Boolean(menu) || follow(one('[data-clear]'));
      }
      case 'ArrowLeft': return follow(one('a[rel=prev]'));
      case 'ArrowRight': return follow(one('a[rel=next]'));
      case 'i': return otherInterval();
      case '/': return search();
      case '?': showKeys(); return true;
      default:
        if (/^[1-9]$/.test(key)) return numbered(Number(key));
        return /^[a-z]$/.test(key) && press(key);
    }
  };

  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (one('dialog[open]')) return;
    if (event.target.closest?.('input, select, .scroll') && event.key !== 'Escape') return;
    if (act(event.key)) event.preventDefault();
  });

  // Tabs of a card: the card alone is read anew.

  const turn = (tab) => {
    const place = tab.closest('.card');
    const index = all('.card').indexOf(place);
    const request = new XMLHttpRequest();
    request.responseType = 'document';
    request.timeout = 20_000;
    request.addEventListener('loadend', () => {
      const next = request.status === 200 ? all('.card', request.response)[index] : null;
      if (!next) return location.assign(tab.href);
      place.replaceWith(document.adoptNode(next));
      history.replaceState(null, '', tab.href.split('#')[0]);
      one('[data-tab]', next)?.focus({ preventScroll: true });
    });
    request.open('GET', tab.href);
    request.send();
  };

  document.addEventListener('click', (event) => {
    const tab = event.target.closest?.('a[data-tab]');
    const plain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.button);
    if (!tab || !plain) return;
    event.preventDefault();
    turn(tab);
  });

  // Fresh figures. The policy forbids to parse text as HTML, so XMLHttpRequest is asked for a
  // document instead of text: the browser parses it, and no script in it ever runs.

  const busy = () => {
    const focused = document.activeElement;
    const at = focused && focused !== document.body && focused.id !== 'content';
    return document.hidden || at || one('details[open], dialog[open], .tip:not([hidden])') !== null
      || !(getSelection()?.isCollapsed ?? true);
  };

  const still = (waiting) => waiting?.textContent === one('[data-waiting]').textContent;

  const refresh = () => {
    const waits = one('[data-waiting]') !== null;
    if (busy()) return schedule();
    const request = new XMLHttpRequest();
    request.responseType = 'document';
    request.timeout = 20_000;
    request.addEventListener('loadend', () => {
      const fresh = request.status === 200 ? request.response : null;
      const stays = !fresh || !one('main', fresh) || busy() || (waits && still(one('[data-waiting]', fresh)));
      if (!stays) swap(fresh);
      schedule();
    });
    request.open('GET', location.href);
    request.send();
  };

  const swap = (fresh) => {
    const style = (page) => one('link[rel=stylesheet]', page)?.getAttribute('href');
    // After an upgrade of the server the style and the script are others, too.
    if (style(fresh) !== style(document)) return location.reload();
    for (const part of ['.head', 'main', '.foot']) {
      const [old, next] = [one(part), one(part, fresh)];
      if (old && next) old.replaceWith(document.adoptNode(next));
    }
    document.title = fresh.title;
    start();
  };

  const schedule = () => {
    if (one('[data-waiting]')) setTimeout(refresh, WAITING_MS);
    else if (one('[data-live]')) setTimeout(refresh, REFRESH_MS);
  };

  // What is going on: whole lists come whenever one has changed.

  const row = (cells) => {
    const line = make('tr');
    line.append(...cells);
    return line;
  };

  const heading = (text) => {
    const cell = make('th', text);
    cell.scope = 'row';
    cell.dir = 'auto';
    return cell;
  };

  const listen = (place) => {
    const source = new EventSource(place.dataset.stream);
    source.addEventListener('message', (event) => {
      const news = JSON.parse(event.data);
      one('[data-now]').textContent = `${news.visitors} ${news.visitors === 1 ? 'visitor' : 'visitors'}`;
      one('[data-pages]').replaceChildren(...news.pages.map((page) =>
        row([heading(page.name), make('td', page.count)])));
      one('[data-beacons]').replaceChildren(...news.beacons.map((beacon) => {
        const verdict = make('td');
        verdict.append(make('em', beacon.verdict, `mark ${beacon.counted ? 'good' : 'poor'}`));
        return row([make('td', beacon.time), verdict, heading(beacon.words)]);
      }));
    });
    // One that was turned away asks again later, as a page without script does.
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), REFRESH_MS);
    });
  };

  all('[data-stream]').forEach(listen);

  const start = () => {
    all('.plot').forEach(enhance);
    addThemeButton();
  };

  start();
  schedule();
})();
