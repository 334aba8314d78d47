{let n,p,
r=(name,message,source,line,column,stack)=>{
if(p!=location.pathname){p=location.pathname
n=0}
if(n++<10)(self.trimBeacon||=(...e)=>(trimBeacon.q||=[]).push(e))('error',{meta:{name:name||void 0,message:(message+'').slice(0,500)||name||'Error',source,line,column,stack:stack?.slice?.(0,3000)}})},
s=e=>{try{return typeof e=='object'?JSON.stringify(e):e+''}catch{return e+''}}
addEventListener('error',e=>{let t=e.target,o=e.error
t==self?o?.stack?r(o.name,o.message,e.filename,e.lineno,e.colno,o.stack):r(0,o==null?e.message:s(o),e.filename,e.lineno,e.colno):r('ResourceError',t.localName+' could not be loaded',t.src||t.href)},1)
addEventListener('unhandledrejection',({reason:e})=>e?.stack?r(e.name,e.message,0,0,0,e.stack):r('UnhandledRejection',s(e)))}
