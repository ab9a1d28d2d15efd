/** Plain charts, readable on light and dark pages. */

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly ours: boolean;
}

export interface Curve {
  readonly label: string;
  readonly points: readonly (readonly [number, number])[];
}

const WIDTH = 720;
const COLORS = ['#2f7ed8', '#e0803a', '#3aa66b', '#9b5fc0'];
const OTHERS = '#9aa3ad';
const INK = '#6b7480';
const TEXT = `font-family="system-ui, sans-serif" fill="${INK}"`;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const show = (value: number, digits: number) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const place = (value: number) => Math.round(value * 10) / 10;

export function drawBars(title: string, bars: readonly Bar[], digits = 0): string {
  const [left, row, top] = [250, 34, 52];
  const height = top + bars.length * row + 14;
  const most = Math.max(...bars.map(({ value }) => value), 1e-9);
  const body = bars.map(({ label, value, ours }, i) => {
    const y = top + i * row;
    const width = place((value / most) * (WIDTH - left - 110));
    return `<text x="${left - 10}" y="${y + 16}" text-anchor="end" font-size="13" ${TEXT}>${escaped(label)}</text>
<rect x="${left}" y="${y}" width="${width}" height="22" rx="2" fill="${ours ? COLORS[0] : OTHERS}"/>
<text x="${left + width + 8}" y="${y + 16}" font-size="13" ${TEXT}>${show(value, digits)}</text>`;
  });
  return frame(title, height, body);
}

export function drawLines(title: string, xName: string, yName: string, curves: readonly Curve[]): string {
  const [left, right, top, bottom, height] = [80, 20, 64, 44, 320];
  const all = curves.flatMap(({ points }) => points);
  const xMost = Math.max(...all.map(([x]) => x), 1e-9);
  const yMost = Math.max(...all.map(([, y]) => y), 1e-9) * 1.05;
  const at = ([x, y]: readonly [number, number]) =>
    `${place(left + (x / xMost) * (WIDTH - left - right))},${place(height - bottom - (y / yMost) * (height - top - bottom))}`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = place(height - bottom - share * (height - top - bottom));
    return `<line x1="${left}" x2="${WIDTH - right}" y1="${y}" y2="${y}" stroke="${OTHERS}" stroke-opacity="0.3"/>
<text x="${left - 8}" y="${y + 4}" text-anchor="end" font-size="12" ${TEXT}>${show(share * yMost, 0)}</text>`;
  });
  const lines = curves.map(({ label, points }, i) => {
    const color = COLORS[i % COLORS.length];
    const drawn = points.length === 1 && points[0] !== undefined ? [[0, points[0][1]] as const, points[0]] : points;
    return `<polyline points="${drawn.map(at).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>
<text x="${left + i * 200}" y="48" font-size="12" font-family="system-ui, sans-serif" fill="${color}">${escaped(label)}</text>`;
  });
  const axes = `<text x="${WIDTH - right}" y="${height - 12}" text-anchor="end" font-size="12" ${TEXT}>${escaped(xName)}, to ${show(xMost, 0)}</text>
<text x="${left - 8}" y="${top - 8}" text-anchor="end" font-size="12" ${TEXT}>${escaped(yName)}</text>`;
  return frame(title, height, [...ticks, ...lines, axes]);
}

function frame(title: string, height: number, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(title)}</title>
<text x="16" y="26" font-size="15" font-weight="600" ${TEXT}>${escaped(title)}</text>
${body.join('\n')}
</svg>
`;
}
