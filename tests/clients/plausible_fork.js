// The page of somebody who uses the fork of the older package.
import { createPlausibleTracker } from '@barbapapazes/plausible-tracker'
import { useAutoPageviews } from '@barbapapazes/plausible-tracker/extensions/auto-pageviews'

const plausible = createPlausibleTracker({ domain: 'site.test', apiHost: self.collector })
useAutoPageviews(plausible).install()
self.signUp = () => plausible.trackEvent('Signup', { props: { plan: 'pro', n: 3 } })
