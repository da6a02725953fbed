"""How the page looks: one column, light and dark, from 360 pixels on; nothing is loaded from anywhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fbfaf9; --card: #ffffff; --soft: #f4f2f0; --line: #e2ded9; --text: #22201e; --dim: #66615b;
  --red: #b3261e; --row: #fdecea; --mark: #f8c9c4; --green: #1d6b3c; --link: #8a4b08;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161514; --card: #1d1c1a; --soft: #262422; --line: #37342f; --text: #e9e5e0; --dim: #a59f97;
    --red: #ff9a8f; --row: #3a2322; --mark: #6e3430; --green: #7fd1a0; --link: #e9b872;
  }
}
* { box-sizing: border-box; margin: 0 }
html { -webkit-text-size-adjust: 100% }
body {
  max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem;
  background: var(--page); color: var(--text); font: 16px/1.55 system-ui, sans-serif;
}
header, section, article { margin-bottom: 2.25rem }
h1, h2, p, summary, td, th { overflow-wrap: anywhere }
.request { color: var(--dim); font: 14px/1.5 var(--mono) }
h1 { margin: .4rem 0 .5rem; color: var(--red); font-size: 1.05rem; font-weight: 600; font-family: var(--mono) }
.message { font-size: clamp(1.25rem, 1rem + 1.4vw, 1.7rem); font-weight: 600; line-height: 1.35; white-space: pre-wrap }
.note { margin-top: .75rem; padding-left: .8rem; border-left: 3px solid var(--line); white-space: pre-wrap }
h2 { margin-bottom: .7rem; font-size: 1.05rem; font-weight: 600 }
h2 small, .relation { color: var(--dim); font-size: .9rem; font-weight: 400 }
.relation { margin-bottom: .25rem }
article .message { font-size: 1.15rem; margin-bottom: 1rem }
details, .frame { margin-bottom: .75rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card) }
details, pre { overflow: hidden }
summary { padding: .55rem .9rem; cursor: pointer; font: 13.5px/1.5 var(--mono) }
summary b { font-weight: 600 }
summary span, .place { color: var(--dim) }
summary:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: -2px }
details.folded { background: var(--soft) }
details.folded > summary { color: var(--dim) }
details.folded > .relation { margin: 0 .9rem .6rem }
details.folded > details { margin: 0 .6rem .6rem }
details.variables { margin: 0; border-width: 1px 0 0; border-radius: 0 }
pre {
  border-top: 1px solid var(--line); overflow-x: auto; font: 13px/1.6 var(--mono);
  tab-size: 4; background: var(--card); color: var(--text)
}
pre code { display: inline-block; min-width: 100%; padding: .5rem 0; font: inherit }
pre span { display: block; padding-right: 1rem; min-height: 1.6em }
pre i { display: inline-block; width: 3.6rem; padding-right: 1rem; text-align: right; font-style: normal;
  color: var(--dim); user-select: none }
pre .now { background: var(--row) }
pre .now i { color: var(--red) }
mark { background: var(--mark); color: inherit; border-radius: .2rem }
table { width: 100%; border-collapse: collapse; font: 13px/1.55 var(--mono) }
.card { border: 1px solid var(--line); border-radius: .6rem; background: var(--card); overflow: hidden }
th, td { padding: .4rem .9rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top }
th { font-weight: 400 }
tr:first-child > * { border-top: 0 }
details table { border-top: 1px solid var(--line) }
th { width: 13rem; color: var(--dim) }
td { white-space: pre-wrap }
.hooks th { width: 6.5rem }
.failed th, .failed b { color: var(--red); font-weight: 600 }
.ran th, .answered th { color: var(--green) }
.not-run td, .to-come td { color: var(--dim) }
footer code { font: .95em var(--mono) }
footer { color: var(--dim); font-size: .85rem }
@media (max-width: 40rem) {
  body { padding: 1.5rem .8rem 3rem }
  tr, th, td, .hooks th { display: block; width: auto }
  th { padding-bottom: 0 }
  td { padding-top: .1rem; border-top: 0 }
  tr + tr { border-top: 1px solid var(--line) }
  tr > th { border-top: 0 }
  pre i { width: 2.9rem; padding-right: .7rem }
}
"""
