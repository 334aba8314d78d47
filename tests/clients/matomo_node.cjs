// A server that uses matomo-tracker.
const MatomoTracker = require('matomo-tracker')

const matomo = new MatomoTracker(7, `${process.argv[2]}/matomo.php`)
matomo.on('error', error => {
  throw new Error(`the tracker says ${error}`)
})
matomo.track('https://site.test/from/node?mtm_campaign=spring')
matomo.track({ url: 'https://site.test/play', e_c: 'Video', e_a: 'Play', e_n: 'intro', ua: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', cip: '192.0.2.7' })
// Of other visitors: these requests may overtake the first, whose campaign counts for its visit.
matomo.trackBulk([{ url: 'https://site.test/one', cip: '192.0.2.8' }, { url: 'https://site.test/two', cip: '192.0.2.9' }], told => {
  if (JSON.parse(told).tracked !== 2) throw new Error(told)
})
