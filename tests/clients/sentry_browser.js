// The page of somebody who uses Sentry.
import * as Sentry from '@sentry/browser'

Sentry.init({ dsn: `${self.collector.replace('//', '//public@')}/7`, release: 'shop@1.2.3' })
self.signUp = () => {
  try {
    null.length
  } catch (error) {
    Sentry.captureException(error)
  }
}
