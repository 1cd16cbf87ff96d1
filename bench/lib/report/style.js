/** How the report looks, in light and in dark. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024; --soft: #60646c; --line: #d9d9e0; --bar: #b9bbc6; --own: #0d74ce;
  --c0: #0d74ce; --c1: #cc4e00; --c2: #218358; --c3: #8145b5; --c4: #ad7f00; --c5: #ca244d; --c6: #0e7490; --c7: #60646c; }
@media (prefers-color-scheme: dark) { :root { --paper: #111113; --ink: #edeef0; --soft: #b0b4ba; --line: #363a3f; --bar: #5a6169; --own: #70b8ff;
  --c0: #70b8ff; --c1: #ffa057; --c2: #3dd68c; --c3: #d19dff; --c4: #f5e147; --c5: #ff92ad; --c6: #4ccce6; --c7: #b0b4ba; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 1rem; border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; } dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; }
dl.versions { font-size: .8rem; gap: .1rem 1.1rem; color: var(--soft); } dl.versions div { display: flex; gap: .3rem; } nav a { color: var(--own); margin-right: .8rem; } small { color: var(--soft); font-weight: normal; }
figure { margin: 0 0 2rem; } figcaption { font-weight: 600; margin-bottom: .3rem; } svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--line); } .axis { fill: var(--soft); font-size: 12px; }
${Array.from({ length: 8 }, (_, index) => `.c${index} { --own-colour: var(--c${index}); }`).join(' ')}
.series path, .legend path { fill: none; stroke: var(--own-colour); stroke-width: 1.4; } .series circle { fill: var(--own-colour); }
.series.ours path, .legend .ours path { stroke-width: 3; } .peer.d0 path { stroke-dasharray: 5 4; } .d1 path { stroke-dasharray: 2 3; } .d2 path { stroke-dasharray: 9 3 2 3; }
.ours.d0 path { stroke-dasharray: none; } .spread { stroke: var(--own-colour); stroke-width: 1; opacity: .55; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; margin: .4rem 0 0; padding: 0; font-size: .85rem; }
.legend svg { width: 28px; height: 10px; display: inline-block; margin-right: .4rem; } .legend .ours { font-weight: 600; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1.2rem; font-size: .85rem; } caption { text-align: left; font-weight: 600; } thead th { text-align: right; color: var(--soft); padding: 0 0 0 .8rem; }
th { text-align: left; font-weight: normal; padding: .15rem .8rem .15rem 0; } th small { display: block; } .ours th { font-weight: 600; }
td { text-align: right; white-space: nowrap; padding-left: .8rem; font-variant-numeric: tabular-nums; }
td.bar { position: relative; width: 45%; min-width: 8rem; padding: 0; } td.bar i { display: block; height: 1em; background: var(--bar); border-radius: 2px; }
.ours td.bar i { background: var(--own); opacity: .8; } td.bar b { position: absolute; top: 50%; height: 1px; background: var(--ink); }
`
