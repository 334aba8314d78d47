// A server that uses Sentry.
const Sentry = require('@sentry/node')

Sentry.init({ dsn: `${process.argv[2].replace('//', '//public@')}/7`, environment: 'production' })
Sentry.captureException(new RangeError('the cart holds 17 things'))
Sentry.flush(10_000).then(flushed => {
  if (!flushed) throw new Error('it was not sent')
})
