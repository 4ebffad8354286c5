// What shuts people out of a page (WCAG 2.2), as far as it can be counted: run in the page, gives a list of texts.
const faults = [];
const visible = (element) => {
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && style.opacity !== '0';
};
if (!document.documentElement.lang) faults.push('the page has no language');
if (!document.title.trim()) faults.push('the page has no title');
if (document.querySelectorAll('h1').length !== 1) faults.push('the page has not one heading of the first level');
if (!document.querySelector('main')) faults.push('the page has no main part');
if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is wider than the screen');
for (const field of document.querySelectorAll('input, select, textarea')) {
  if (field.type === 'hidden' || !visible(field)) continue;
  if (!field.labels?.length && !field.getAttribute('aria-label')) faults.push(`the field ${field.name} has no label`);
}
for (const control of document.querySelectorAll('a, button')) {
  if (!visible(control)) continue;
  const name = control.innerText.trim() || control.getAttribute('aria-label');
  if (!name) faults.push(`a control has no name: ${control.outerHTML.slice(0, 100)}`);
}
for (const image of document.querySelectorAll('img')) {
  if (!image.hasAttribute('alt')) faults.push(`a picture has no text: ${image.src}`);
  if (!image.complete || image.naturalWidth === 0) faults.push(`a picture does not load: ${image.src}`);
}
const parts = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = ([red, green, blue]) => {
  const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    // What a picture is behind can't be told.
    if (style.backgroundImage !== 'none') return null;
    const color = parts(style.backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !visible(element) || element.closest('script, style, option')) continue;
  const style = getComputedStyle(element);
  const ground = behind(element);
  if (!ground) continue;
  const [one, other] = [luminance(parts(style.color)), luminance(ground)].sort((a, b) => b - a);
  const contrast = (one + 0.05) / (other + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (contrast < (large ? 3 : 4.5)) {
    faults.push(`contrast ${contrast.toFixed(2)} of "${texts.currentNode.data.trim().slice(0, 40)}"`);
  }
}
return faults;
