// A server that uses Umami's package.
const { Umami } = require('@umami/node')

const website = '94db1cb1-74f4-4a40-ad6c-962362670409'
const umami = new Umami({ websiteId: website, hostUrl: process.argv[2] })
;(async () => {
  const answers = [
    await umami.track({ hostname: 'site.test', url: '/from/node', title: 'Node', referrer: 'https://duckduckgo.com/' }),
    await umami.track('order', { plan: 'pro', n: 1 }),
    await umami.identify({ name: 'Jo' }),
  ]
  for (const answer of answers) {
    const told = await answer.json()
    if (answer.status !== 200 || !told.cache) throw new Error(`${answer.status} ${JSON.stringify(told)}`)
  }
})()
