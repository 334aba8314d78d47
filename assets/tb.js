try{let{src,dataset:{endpoint=new URL('/beacon',src),hash,consent}}=document.currentScript,ref=document.referrer||null,p,f,d,u,
o=(e,t)=>e.split(' ').map(e=>addEventListener(e,t,1)),
s=async(event_type,identifier,meta,body)=>{
try{if(location.hash=='#trim-ignore')localStorage.trim_beacons_ignore=1
if(location.hash=='#trim-count')delete localStorage.trim_beacons_ignore
if(localStorage.trim_beacons_ignore)return}catch{}
if(consent==null)try{
body=JSON.stringify({event_type,identifier,id:Math.random()+'',meta:{url:location.href.split('#')[0],width:screen.width,tz:Intl.DateTimeFormat().resolvedOptions().timeZone,lang:navigator.language,webdriver:navigator.webdriver||void 0,...meta}})
await fetch(endpoint,{method:'POST',body,keepalive:1,credentials:'omit'})
}catch{try{navigator.sendBeacon(endpoint,body)}catch{}}},
c=()=>{if(u&&consent==null)s('page_view',p,{ref,title:document.title},u=ref=null)},
l=()=>{c()
if(f>0)s('engagement',p,{seconds:(performance.now()-f)/1e3|0,scroll:Math.min(100,Math.round(d/document.documentElement.scrollHeight*100))},f=-1)},
v=(e=0)=>{let t=location.pathname+(hash==null?'':location.hash)
if(t!=p||e.persisted){l()
p=t
f=d=0
u=setTimeout(c,99)}
d=Math.max(d,scrollY+innerHeight)
document.hidden?l():f||=performance.now()},
a=(e,t=e.target.closest?.('[data-trim-event]'))=>{if(t&&!(e.button>1)&&e.type<'s'==!t.submit)s(t.dataset.trimEvent,t.dataset.trimIdentifier)},
w=e=>(...t)=>v(e.apply(history,t)),
b=(e,t=self.trimBeacon||0)=>{if(!t.on){
trimBeacon=(e,t)=>e=='consent'?c(consent=null):s(e,t?.identifier,t?.meta)
trimBeacon.on=1
history.pushState=w(history.pushState)
history.replaceState=w(history.replaceState)
o('popstate pageshow scroll visibilitychange',v)
o('click auxclick submit',a)
v()
t.q?.map(e=>trimBeacon(...e))}}
document.prerendering?o('prerenderingchange',b):b()}catch{}
