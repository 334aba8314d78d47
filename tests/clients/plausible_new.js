// The page of somebody who uses Plausible's own package.
import { init, track } from '@plausible-analytics/tracker'

init({
  domain: 'site.test',
  endpoint: `${self.collector}/api/event`,
  outboundLinks: true,
  fileDownloads: true,
  formSubmissions: true,
  customProperties: { author: 'me' },
})
self.signUp = () => track('Signup', { props: { plan: 'pro', n: 3 }, revenue: { amount: 12.5, currency: 'EUR' } })
