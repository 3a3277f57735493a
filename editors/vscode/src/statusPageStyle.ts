/** Style sheet of the status page: the colours and fonts of the current theme. */

export const STYLE = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground); padding: 0 1.6em 3em; margin: 0 auto; max-width: 90em; }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .6em 2em; margin: 1.2em 0 .6em; }
h1 { font-size: 1.5em; font-weight: 600; margin: 0; } h2 { font-size: 1.05em; font-weight: 600; margin: 1.6em 0 .5em; }
button { font: inherit; color: var(--vscode-button-secondaryForeground); background: var(--vscode-button-secondaryBackground); border: 1px solid var(--vscode-button-border, transparent); border-radius: 3px; padding: .25em .8em; cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
button:hover:enabled { background: var(--vscode-button-secondaryHoverBackground); }
:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
#actions { display: flex; flex-wrap: wrap; gap: .5em; }
#progress { margin: .4em 0; } progress { width: 20em; max-width: 60%; accent-color: var(--vscode-progressBar-background); }
#problems { color: var(--vscode-errorForeground); margin: 0; padding-inline-start: 1.4em; }
#tiles { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: .8em; margin: 1em 0; }
@media (max-width: 700px) { #tiles { grid-auto-flow: row; grid-template-columns: repeat(3, 1fr); } }
.tile { display: flex; flex-direction: column; padding: .7em 1em; border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent)); border-radius: 4px; background: var(--vscode-editorWidget-background); }
.tile dd { margin: 0; font-size: 1.5em; font-variant-numeric: tabular-nums; } .tile dt { color: var(--vscode-descriptionForeground); }
.hint, dt, td, th { color: var(--vscode-descriptionForeground); } .hint { margin: .3em 0; }
#map-tools { display: flex; flex-wrap: wrap; align-items: center; gap: .4em 1em; margin: .5em 0; }
input { font: inherit; color: var(--vscode-input-foreground); background: var(--vscode-input-background); border: 1px solid var(--vscode-input-border, var(--vscode-widget-border, transparent)); padding: .25em .5em; width: 14em; }
input::placeholder { color: var(--vscode-input-placeholderForeground); }
#legend { display: flex; flex-wrap: wrap; gap: .3em; }
#legend button { display: inline-flex; align-items: center; gap: .4em; background: none; color: var(--vscode-foreground); padding: .15em .5em; border-color: transparent; }
#legend button:hover { background: var(--vscode-toolbar-hoverBackground); }
#legend button[aria-pressed=true] { border-color: var(--vscode-focusBorder); background: var(--vscode-toolbar-activeBackground); }
#legend canvas { width: 16px; height: 16px; } #legend small { color: var(--vscode-descriptionForeground); font-variant-numeric: tabular-nums; }
#frame { position: relative; height: 68vh; min-height: 20em; border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent)); border-radius: 4px; overflow: hidden; }
#map { display: block; width: 100%; height: 100%; cursor: grab; touch-action: none; } #map.on-point { cursor: pointer; } #map:active { cursor: grabbing; }
#map:focus-visible { outline-offset: -2px; }
#tooltip { position: absolute; pointer-events: none; max-width: 32em; white-space: pre-line; overflow-wrap: anywhere; padding: .4em .7em; color: var(--vscode-editorHoverWidget-foreground); background: var(--vscode-editorHoverWidget-background); border: 1px solid var(--vscode-editorHoverWidget-border); border-radius: 3px; }
#tooltip::first-line { font-weight: 600; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
#tables { display: grid; grid-template-columns: repeat(auto-fill, minmax(28em, 1fr)); gap: 0 3em; } #tables section { min-width: 0; }
table { border-collapse: collapse; } th { text-align: start; font-weight: normal; padding-inline-end: 1.6em; vertical-align: top; color: var(--vscode-foreground); }
td:last-child { overflow-wrap: anywhere; } td { white-space: pre-line; padding-inline-end: 1.2em; vertical-align: top; font-variant-numeric: tabular-nums; } th, td { padding-block: .15em; }
.meter { display: inline-block; height: .6em; border-radius: 2px; background: var(--vscode-charts-blue, var(--vscode-foreground)); }
summary { cursor: pointer; } details ul { max-height: 16em; overflow: auto; padding-inline-start: 1.4em; }
[hidden] { display: none !important; }
`;
