// A server that uses matomo-tracker.
const MatomoTracker = require('matomo-tracker')

const matomo = new MatomoTracker(7, `${process.argv[2]}/matomo.php`)
matomo.on('error', error => {
  throw new Error(`the tracker says ${error}`)
})
matomo.track('https://site.test/from/node?mtm_campaign=spring')
matomo.track({ url: 'https://site.test/play', e_c: 'Video', e_a: 'Play', e_n: 'intro', ua: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', cip: '192.0.2.7' })
matomo.trackBulk([{ url: 'https://site.test/one' }, { url: 'https://site.test/two' }], told => {
  if (JSON.parse(told).tracked !== 2) throw new Error(told)
})
