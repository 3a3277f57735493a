/** Texts in VS Code's language, for modules without `vscode.l10n`: those of the status page, and those that both share. */

let translations: Record<string, string> = {};
let locale = 'en';

/** Use the translations of a language; without any, texts and numbers are English. */
export function setLanguage(language: string, bundle: Record<string, string> | undefined): void {
    translations = bundle ?? {};
    locale = bundle ? language : 'en';
}

/** Translate a text. {0}, {1} … stand for the values. */
export function t(text: string, ...values: (string | number)[]): string {
    return (translations[text] ?? text).replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)]));
}

/** Format a number with this many digits after the decimal point. */
export function formatNumber(value: number, digits = 0): string {
    return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Format a share, 0 … 1, as a percentage. */
export function formatPercent(share: number): string {
    return share.toLocaleString(locale, { style: 'percent' });
}
