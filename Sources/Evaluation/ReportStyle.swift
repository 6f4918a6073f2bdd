/// The style sheet of a report, for light and dark screens, narrow and wide, and paper.
let reportStyle: Markup = """
    :root { color-scheme: light dark;
      --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --quiet: #667085; --line: #e2e6ec; --accent: #2563c9;
      --c0: #2563c9; --c1: #d9680a; --c2: #12875f; --c3: #c9304f; --c4: #7a4fd0; --c5: #5d6b80; }
    @media (prefers-color-scheme: dark) { :root {
      --page: #12161d; --card: #1a2029; --ink: #e6eaf0; --quiet: #93a0b4; --line: #2b3441; --accent: #7aaaf7;
      --c0: #7aaaf7; --c1: #f5a053; --c2: #4cc79a; --c3: #f27a90; --c4: #b296f5; --c5: #9aa8bd; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
    main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 64px; }
    h1 { font-size: 30px; line-height: 1.2; margin: 4px 0 8px; letter-spacing: -0.01em; }
    h2 { font-size: 18px; margin: 44px 0 14px; }
    .eyebrow { margin: 0; color: var(--accent); font-weight: 600; }
    .lede { margin: 0; font-size: 17px; color: var(--quiet); }
    .quiet, .note { color: var(--quiet); font-weight: 400; }
    .note { font-size: 13px; margin: 10px 2px 0; }
    .card, .curve, .grid, .tile, details { background: var(--card); border: 1px solid var(--line);
      border-radius: 10px; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 16px; margin-top: 28px; }
    .tile { padding: 16px 20px; }
    .tile b { display: block; font-size: 30px; line-height: 1.25; font-weight: 650; }
    .tile span { color: var(--quiet); font-size: 13px; }
    .card { padding: 6px 20px; overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: right; padding: 9px 0 9px 24px; border-bottom: 1px solid var(--line); white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    tr:last-child td, tr:last-child th { border-bottom: 0; }
    thead th { color: var(--quiet); font-weight: 500; font-size: 13px; }
    tbody th { font-weight: 600; }
    .grids { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr)); gap: 16px; }
    .grid { margin: 0; padding: 14px; min-width: 0; }
    .grid img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px; }
    figcaption { font-weight: 600; margin-bottom: 8px; }
    .curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px; }
    .curve { margin: 0; padding: 14px 16px 10px; }
    .curve svg { display: block; width: 100%; height: auto; }
    .curve svg svg { overflow: hidden; }
    .curve text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
    .rule { stroke: var(--line); } .tick { stroke: var(--quiet); }
    .curve polyline { fill: none; stroke: var(--series); stroke-width: 1.8; stroke-linejoin: round; }
    .curve polygon { fill: var(--series); opacity: 0.16; }
    .curve circle { fill: var(--series); }
    .c0 { --series: var(--c0); } .c1 { --series: var(--c1); } .c2 { --series: var(--c2); }
    .c3 { --series: var(--c3); } .c4 { --series: var(--c4); } .c5 { --series: var(--c5); }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0 0; padding: 0;
      font-size: 13px; }
    .legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin: 0 7px 3px 0;
      background: var(--series); }
    .legend b { font-weight: 500; color: var(--quiet); font-variant-numeric: tabular-nums; }
    .bar { display: flex; height: 14px; gap: 2px; border-radius: 7px; overflow: hidden; margin: 14px 0 6px; }
    .bar i { background: var(--series); min-width: 2px; }
    .key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 9px;
      background: var(--series); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 24px; margin: 10px 0; }
    dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
    details { padding: 0 20px; } details[open] { padding-bottom: 14px; }
    summary { cursor: pointer; padding: 11px 0; font-weight: 600; }
    pre { margin: 0; overflow-x: auto; font: 13px/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
    .events { max-height: 420px; overflow: auto; }
    .events th, .events td { text-align: left; vertical-align: top; }
    .events td:first-child { width: 1%; color: var(--quiet); } .events td:nth-child(2) { width: 1%; }
    .events td:last-child { white-space: normal; overflow-wrap: anywhere; }
    .events span { margin-right: 18px; } .events i { font-style: normal; color: var(--quiet); }
    @media print { body { background: none; } details:not([open]) { display: none; } .events { max-height: none; } }
    """
