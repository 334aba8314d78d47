{let m={},c=0,w=0,a=0,z=0,d=[],sent,
o=(type,f,durationThreshold)=>{try{new PerformanceObserver(l=>l.getEntries().map(f)).observe({type,buffered:true,durationThreshold})}catch{}},
g=e=>Math.max(0,Math.round(e)),
x=()=>{if(!sent&&document.visibilityState=='hidden'&&m.ttfb!=null){sent=1
m.cls=Math.round(c*1e3)/1e3
if(d.length)m.inp=d[Math.min(d.length-1,d.n/50|0)][1];
(self.trimBeacon||=(...e)=>(trimBeacon.q||=[]).push(e))('vitals',{meta:m})}},
b=()=>{let s=performance.getEntriesByType('navigation')[0],k=s?.activationStart||0
if(s)m.ttfb=g(s.responseStart-k)
m.url=location.href.split('#')[0]
d.n=0
o('paint',e=>{if(e.name=='first-contentful-paint')m.fcp=g(e.startTime-k)})
o('largest-contentful-paint',e=>m.lcp=g(e.startTime-k))
o('layout-shift',e=>{if(!e.hadRecentInput){let t=e.startTime
w=t-a<1e3&&t-z<5e3?w+e.value:(z=t,e.value)
a=t
c=Math.max(c,w)}})
let i=e=>{if(e.interactionId||e.entryType=='first-input'){let h=d.find(t=>t[0]==e.interactionId)
if(h)h[1]=Math.max(h[1],e.duration)
else{d.push([e.interactionId,e.duration])
d.n++}
d.sort((e,t)=>t[1]-e[1])
if(d.length>10)d.length=10}}
o('event',i,40)
o('first-input',i)
addEventListener('visibilitychange',x,1)
addEventListener('pagehide',x,1)}
document.prerendering?addEventListener('prerenderingchange',b):b()}
