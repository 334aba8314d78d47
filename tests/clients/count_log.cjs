// Counts a log in Apache's combined format with nothing of ours: what was asked, by whom, and in which
// visits. Crawlers are told by isbot. Usage: node count_log.cjs LOG HOST, prints JSON.
const { readFileSync } = require('node:fs');
const { isbot } = require('isbot');

const [, , log, host] = process.argv;
const FILES = new Set(
  'conf css deb doc exe gif gz ico jar jpeg jpg js log pdf png svg swf ttf txt woff xml xsl'.split(' '),
);
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

const kinds = { lines: 0, views: 0, crawlers: 0, agentless: 0, files: 0, missing: 0, moved: 0, failed: 0, other: 0 };
const views = [];
for (const line of readFileSync(log, 'latin1').split('\n')) {
  if (!line) continue;
  kinds.lines += 1;
  const [before, request, answer, referrer, , agent] = line.split('"');
  const [method, target] = request.split(' ');
  const status = Number(answer.trim().split(' ')[0]);
  if (method !== 'GET') { kinds.other += 1; continue; }
  if (status === 404) { kinds.missing += 1; continue; }
  if (status >= 300 && status < 400 && status !== 304) { kinds.moved += 1; continue; }
  if (status >= 400) { kinds.failed += 1; continue; }
  const path = target.split(/[?#]/)[0];
  const ending = /\.([^./]+)$/.exec(path)?.[1].toLowerCase();
  if (status === 206 || FILES.has(ending)) { kinds.files += 1; continue; }
  if (agent === '-') { kinds.agentless += 1; continue; }
  if (isbot(agent)) { kinds.crawlers += 1; continue; }
  kinds.views += 1;
  const [, day, month, year, clock] = /\[(\d+)\/(\w+)\/(\d+):([\d:]+) \+0000\]/.exec(before);
  const at = Date.UTC(year, MONTHS.indexOf(month) / 3, day, ...clock.split(':')) / 1000;
  const from = /^https?:\/\/([^/:]+)/.exec(referrer)?.[1].replace(/^www\./, '');
  views.push({ at, who: `${Math.floor(at / 86400)} ${before.split(' ')[0]} ${agent}`, path, from: from === host ? '' : from });
}

views.forEach((view, index) => { view.index = index; });
views.sort((a, b) => a.at - b.at || a.index - b.index);
const open = new Map();
const pages = {};
const total = { visits: 0, bounces: 0, seconds: 0, fromGoogle: 0 };
for (const { at, who, path, from } of views) {
  pages[path] = (pages[path] ?? 0) + 1;
  let visit = open.get(who);
  if (!visit || at - visit.last > 1800) {
    visit = { seen: 0, last: at, google: /^(?:encrypted\.)?google\.[a-z.]+$/.test(from ?? '') };
    open.set(who, visit);
    total.visits += 1;
    total.bounces += 1;
    total.fromGoogle += visit.google ? 1 : 0;
  } else {
    total.seconds += at - visit.last;
    total.bounces -= visit.seen === 1 ? 1 : 0;
  }
  visit.seen += 1;
  visit.last = at;
}
total.visitors = new Set(views.map((view) => view.who)).size;
const top = Object.entries(pages).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 20);
process.stdout.write(JSON.stringify({ kinds, total, top }));
