/// The page's style sheet: readable from a phone to a wide screen, by day and by night.
///
/// Plots are drawn for paper, so that their card stays light in the dark.
let pageStyle = """
  :root {
    --ink: #1f2328; --faint: #59636e; --line: #d8dee4; --page: #ffffff; --box: #f6f8fa;
    --link: #0a58ca; --warn: #fff8e1; --warn-line: #d4a72c; --bad: #b3261e; --row: #f3f6f9;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ink: #e6edf3; --faint: #9aa5b1; --line: #323a44; --page: #0f1419; --box: #171d24;
      --link: #79b8ff; --warn: #2a2410; --warn-line: #8a6d1b; --bad: #ff8a80; --row: #1a212a;
    }
  }
  * { box-sizing: border-box; }
  html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
  body {
    margin: 0; background: var(--page); color: var(--ink);
    font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  }
  main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
  h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.5rem 0 0.25rem; }
  h2 { font-size: 1.3rem; margin: 3rem 0 0.25rem; padding-top: 0.5rem; border-top: 1px solid var(--line); }
  h3 { font-size: 1rem; margin: 1.75rem 0 0.5rem; }
  p { margin: 0.25rem 0 0.75rem; }
  a { color: var(--link); }
  .headline { color: var(--faint); margin: 0; }
  .machine { font-weight: 600; margin: 0.25rem 0 0; }
  .trust { border-left: 4px solid var(--warn-line); padding-left: 0.75rem; margin: 0.75rem 0; }
  .trust.high { border-left-color: var(--link); }
  .lead, figcaption, .note { color: var(--faint); max-width: 46rem; }
  figcaption, .note { font-size: 0.875rem; margin-top: 0.5rem; }
  nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 1rem 0; }
  nav a { text-decoration: none; padding: 0.25rem 0; }
  nav a:hover { text-decoration: underline; }
  .warnings {
    background: var(--warn); border-left: 4px solid var(--warn-line); border-radius: 4px; margin: 1rem 0;
    padding: 0.5rem 1rem;
  }
  .warnings ul { margin: 0; padding-left: 1.1rem; }
  .warnings li { margin: 0.25rem 0; }
  .scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
  table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
  th, td { padding: 0.35rem 0.65rem; text-align: right; white-space: nowrap; vertical-align: top; }
  th.left, td.left, tbody th { text-align: left; }
  thead th, thead td { color: var(--faint); font-weight: 600; background: var(--box); }
  thead tr:last-child > * { border-bottom: 1px solid var(--line); }
  thead .group { text-align: left; border-left: 1px solid var(--line); }
  tbody th { font-weight: 500; position: sticky; left: 0; background: var(--page); }
  tbody tr + tr > * { border-top: 1px solid var(--line); }
  tbody tr:hover > * { background: var(--row); }
  td small { display: block; color: var(--faint); font-size: 0.7rem; line-height: 1.2; }
  .faint { color: var(--faint); font-style: italic; }
  .strong { font-weight: 600; }
  .bad { color: var(--bad); }
  #troubles td:last-child { white-space: normal; min-width: 16rem; }
  figure { margin: 1.5rem 0; }
  .card {
    background: #ffffff; border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem;
    overflow-x: auto;
  }
  .card svg { display: block; width: 100%; min-width: 44rem; height: auto; }
  .core-to-core svg { width: auto; min-width: 0; max-width: 100%; }
  details { margin: 1.5rem 0; }
  summary { cursor: pointer; font-weight: 600; padding: 0.5rem 0; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.5rem; margin: 0.75rem 0; }
  dt { color: var(--faint); }
  dd { margin: 0; overflow-wrap: anywhere; }
  pre {
    background: var(--box); border: 1px solid var(--line); border-radius: 8px; padding: 0.75rem 1rem;
    overflow-x: auto;
  }
  code {
    font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
    font-size: 0.875rem;
  }
  :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
  @media (max-width: 40rem) {
    main { padding: 0.75rem 0.75rem 3rem; }
    h1 { font-size: 1.4rem; }
    th, td { padding: 0.35rem 0.5rem; }
    tbody th { max-width: 9rem; white-space: normal; }
    dl { grid-template-columns: 1fr; gap: 0; }
    dd { margin-bottom: 0.5rem; }
  }
  @media print {
    .scroll, .card { overflow: visible; border: 0; }
    nav { display: none; }
  }
  """
