// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

/// What the page brings with it, so that it asks nobody else.
public enum PageAssets {
  /// Colours that are told apart from their grounds in light and dark (WCAG 2.1, 1.4.3).
  public static let style: HTML = """
    :root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--text:#1b1f24;--quiet:#4f5965;--line:#ccd3db;\
    --good:#116329;--poor:#744600;--bad:#a40e1b;--accent:#0550ae;--band:#f3b4b0}
    @media(prefers-color-scheme:dark){:root{--ground:#0e1116;--card:#171c23;--text:#e6edf3;--quiet:#a3adb8;\
    --line:#343c46;--good:#5fd573;--poor:#e8b84a;--bad:#ff938b;--accent:#7cc0ff;--band:#6b2a2a}}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--ground);color:var(--text);\
    font:1rem/1.45 system-ui,sans-serif}
    h1{margin:0;font-size:1.5rem}h2{margin:1.5rem 0 .5rem;font-size:1.15rem}h3{margin:0;font-size:1.05rem}
    small,.facts,caption,dt{color:var(--quiet);font-size:.875rem;font-weight:400}
    p{margin:.4rem 0}#verdict{font-size:1.15rem;font-weight:600}
    #lost{color:var(--bad);font-weight:600}#lost:empty{display:none}
    .scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem}
    .scroll:focus-visible{outline:3px solid var(--accent)}
    table{border-collapse:collapse;font-variant-numeric:tabular-nums}caption{text-align:left;padding:.25rem}
    th,td{padding:.3rem .7rem;text-align:left;white-space:nowrap;border-top:1px solid var(--line)}
    thead th,thead td{border-top:0}.self{background:var(--ground)}
    td.good{color:var(--good)}td.poor{color:var(--poor)}td.bad{color:var(--bad)}td.idle{color:var(--quiet)}
    td.good::before,.good .state::before{content:"✓ ";content:"✓ "/""}\
    td.poor::before,.poor .state::before{content:"! ";content:"! "/""}\
    td.bad::before,.bad .state::before{content:"✕ ";content:"✕ "/""}
    .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(21rem,100%),1fr));gap:.75rem}
    article{background:var(--card);border:1px solid var(--line);border-left-width:.4rem;border-radius:.5rem;\
    padding:.75rem;overflow-wrap:anywhere}
    article.good{border-left-color:var(--good)}article.poor{border-left-color:var(--poor)}\
    article.bad{border-left-color:var(--bad)}
    .state{font-weight:600}.good .state{color:var(--good)}.poor .state{color:var(--poor)}.bad .state{color:var(--bad)}
    .advice{padding-left:.6rem;border-left:3px solid var(--line)}
    dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.3rem .75rem;margin:.5rem 0}
    dl div:first-child{grid-column:1/-1}dt,dd{margin:0}dd{font-variant-numeric:tabular-nums}
    .spark{display:block;width:100%;height:2.5rem;margin:.5rem 0}
    .spark path{vector-effect:non-scaling-stroke}.rtt{fill:none;stroke:var(--accent);stroke-width:1.5}
    .loss{fill:var(--bad)}.down{fill:var(--band)}
    ul,ol{margin:.4rem 0;padding-left:1.2rem}.events{list-style:none;padding:0;overflow-wrap:anywhere}
    .events li{border-top:1px solid var(--line);padding:.25rem 0}.events time{color:var(--quiet);font-size:.875rem}
    @media print{body{max-width:none}}
    """

  /// Fetches the part that changes each five seconds while somebody looks; parsed documents run no script.
  public static let script: HTML = """
    "use strict";
    const local=()=>{for(const t of document.querySelectorAll("main time")){const d=new Date(t.dateTime);\
    if(!isNaN(d))t.textContent=d.toLocaleString(undefined,{dateStyle:"short",timeStyle:"medium"})}};
    let last=new Date();
    async function refresh(){
    if(document.hidden)return;
    const lost=document.getElementById("lost");
    try{
    const r=await fetch("?part=main",{cache:"no-store",signal:AbortSignal.timeout(10000)});
    if(!r.ok)throw new Error(r.status);
    const next=new DOMParser().parseFromString(await r.text(),"text/html").querySelector("main");
    const main=document.querySelector("main"),scroll=document.getElementById("matrix-table")?.scrollLeft;
    const focus=document.activeElement?.closest("main")?document.activeElement.id:"";
    main.replaceWith(document.adoptNode(next));
    if(focus)document.getElementById(focus)?.focus({preventScroll:true});
    const table=document.getElementById("matrix-table");if(table&&scroll)table.scrollLeft=scroll;
    document.title=next.dataset.title;
    const verdict=document.getElementById("verdict");
    if(verdict.textContent!==next.dataset.verdict)verdict.textContent=next.dataset.verdict;
    last=new Date();if(lost.textContent)lost.textContent="";local();
    }catch{
    const text="No answer from the agent since "+last.toLocaleTimeString()+": what is shown is old.";
    if(lost.textContent!==text)lost.textContent=text}}
    local();setInterval(refresh,5000);document.addEventListener("visibilitychange",refresh);
    """
}
