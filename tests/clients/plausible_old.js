// The page of somebody who uses the older package.
import Plausible from 'plausible-tracker'

const { enableAutoPageviews, trackEvent } = Plausible({
  domain: 'site.test',
  apiHost: self.collector,
})
enableAutoPageviews()
self.signUp = () => trackEvent('Signup', { props: { plan: 'pro', n: 3 } })
