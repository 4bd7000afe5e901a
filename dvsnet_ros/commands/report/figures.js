// The charts, one function each.

const REGIONS_OF_FOUR = [
  { mark: "↖", name: "top left" }, { mark: "↗", name: "top right" },
  { mark: "↙", name: "bottom left" }, { mark: "↘", name: "bottom right" },
];

// A mark and a name for each region, by its place in the grid.
function regionsOf({ rows, columns }) {
  if (rows === 2 && columns === 2) return REGIONS_OF_FOUR;
  return Array.from({ length: rows * columns }, (_, region) => {
    const [row, column] = [Math.floor(region / columns) + 1, (region % columns) + 1];
    return { mark: `${row}·${column}`, name: `row ${row}, column ${column}` };
  });
}
const regionColor = (region) => `var(--region-${region % 4})`;

const KINDS = {
  target: { name: "decision network, fixed target", color: "var(--accent)", dash: "" },
  dynamic: { name: "decision network, dynamic target", color: "var(--accent)", dash: "" },
  rising: { name: "decision network, rising target", color: "var(--accent)", dash: "" },
  interval: { name: "fixed key-frame intervals", color: "var(--soft)", dash: "5 4" },
};

const MEASURES = {
  agreement: { value: (s) => s.agreement, format: percent, perFrame: () => 1 },
  mIoU: { value: (s) => s.mean_iou, format: percent, perFrame: (run) => run.per_frame_mean_iou },
  "frames/s": { value: (s) => s.fps, format: plain, perFrame: (run) => run.per_frame_fps },
};

const settingName = ({ kind, value }) =>
  kind === "interval" ? `every ${value === 1 ? "frame" : `${value} frames`}` : `target ${value}`;

function tradeoffChart(data, measure) {
  const { value, format, perFrame } = MEASURES[measure()];
  const { settings, run } = data;
  return (root, width, height) => {
    const [right, bottom] = [width - MARGIN.right, height - 46];
    const [low, high] = extent([...settings.map(value), perFrame(run)]);
    const space = (high - low || 1) * 0.08;
    const fewest = Math.min(...settings.map((setting) => setting.share));
    const x = logarithmic(fewest * 0.85, 1.12, MARGIN.left, right);
    const y = linear(low - space, high + space, bottom, MARGIN.top);
    yAxis(root, y, ticks(low - space, high + space, 5), tickFormat(measure()), right);
    const shares = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].filter((s) => s >= fewest * 0.85);
    xAxis(root, x, shares, (s) => `${100 * s} %`, bottom, "regions on the segmentation path");
    const level = y(perFrame(run));
    root.append(
      svg("line", {
        x1: MARGIN.left, x2: right, y1: level, y2: level,
        stroke: "var(--soft)", "stroke-dasharray": "1 4", "stroke-linecap": "round",
      }),
      svg("text", { class: "halo", x: MARGIN.left + 6, y: level - 6 }, "per frame"),
    );
    for (const [kind, { color, dash }] of Object.entries(KINDS)) {
      const chosen = settings.filter((s) => s.kind === kind).sort((a, b) => a.share - b.share);
      if (!chosen.length) continue;
      root.append(svg("path", {
        d: linePath(chosen.map((s) => [x(s.share), y(value(s))])),
        fill: "none", stroke: color, "stroke-width": 2, "stroke-dasharray": dash,
      }));
      for (const s of chosen) {
        root.append(svg("circle", { cx: x(s.share), cy: y(value(s)), r: 3.5, fill: color }));
      }
    }
    const best = settings.find((setting) => setting.recommended);
    const [bx, by] = [x(best.share), y(value(best))];
    const isRight = bx > width * 0.4;
    root.append(
      svg("circle", { cx: bx, cy: by, r: 8, fill: "none", stroke: "var(--accent)", "stroke-width": 2 }),
      svg("text", {
        class: "strong halo",
        x: bx + (isRight ? -8 : 14),
        y: by + (isRight ? -12 : 4),
        "text-anchor": isRight ? "end" : "start",
      }, settingName(best)),
    );
    return {
      nearest(px, py) {
        const distance = (s) => Math.hypot(x(s.share) - px, y(value(s)) - py);
        return settings.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      },
      mark: (s) => [
        svg("circle", { cx: x(s.share), cy: y(value(s)), r: 6, fill: KINDS[s.kind].color }),
      ],
      describe: (s) => ({
        title: settingName(s),
        rows: [
          { name: "segmented", value: percent(s.share) },
          { name: "agreement", value: percent(s.agreement, 2) },
          ...(s.mean_iou === null ? [] : [{ name: "mIoU", value: percent(s.mean_iou) }]),
          { name: "frames/s", value: plain(s.fps) },
        ],
      }),
    };
  };
}

const tickFormat = (measure) =>
  measure === "frames/s" ? String : (share) => `${Number((100 * share).toFixed(2))} %`;

function latencyChart(data) {
  const { edges, counts } = data.latency;
  const bins = edges.length - 1;
  const color = (segmented) => pathColor(segmented / (counts.length - 1));
  const total = (bin) => counts.reduce((sum, each) => sum + each[bin], 0);
  const most = Math.max(...edges.slice(1).map((_, bin) => total(bin)));
  return (root, width, height) => {
    const [right, bottom] = [width - MARGIN.right, height - 46];
    const x = linear(edges[0], edges.at(-1), MARGIN.left, right);
    const y = linear(0, most, bottom, MARGIN.top + 16);
    yAxis(root, y, ticks(0, most, 4).filter(Number.isInteger), String, right);
    const places = ticks(edges[0], edges.at(-1), Math.max(3, Math.floor(width / 100)));
    xAxis(root, x, places, String, bottom, "milliseconds a frame");
    const below = edges.map(() => 0);
    counts.forEach((each, segmented) => {
      each.forEach((count, bin) => {
        if (!count) return;
        root.append(svg("rect", {
          x: x(edges[bin]) + 0.75, width: Math.max(x(edges[bin + 1]) - x(edges[bin]) - 1.5, 1),
          y: y(below[bin] + count), height: y(below[bin]) - y(below[bin] + count),
          fill: color(segmented),
        }));
        below[bin] += count;
      });
    });
    const median = x(data.latency.p50);
    const isRight = median > (MARGIN.left + right) / 2;  // where the label would leave the page
    root.append(
      svg("line", { class: "cursor", x1: median, x2: median, y1: MARGIN.top + 4, y2: bottom }),
      svg("text", {
        class: "halo", x: median + (isRight ? -5 : 5), y: MARGIN.top + 12,
        "text-anchor": isRight ? "end" : "start",
      }, `median ${plain(data.latency.p50)} ms`),
    );
    return {
      nearest(px) {
        const bin = Math.floor((bins * (px - MARGIN.left)) / (right - MARGIN.left));
        return Math.min(Math.max(bin, 0), bins - 1);
      },
      mark: (bin) => [svg("rect", {
        x: x(edges[bin]), width: x(edges[bin + 1]) - x(edges[bin]),
        y: MARGIN.top, height: bottom - MARGIN.top,
        fill: "var(--ink)", opacity: 0.07,
      })],
      describe: (bin) => ({
        title: `${plain(edges[bin])} to ${plain(edges[bin + 1])} ms`,
        rows: counts
          .map((each, segmented) => ({
            name: `${segmented} segmented`, value: `${each[bin]} frames`, color: color(segmented),
          }))
          .filter((_, segmented) => counts[segmented][bin]),
      }),
    };
  };
}

function calibrationChart(data) {
  const rows = data.decision.calibration;
  const most = Math.max(...rows.map((row) => row.count));
  return (root, width, height) => {
    const [right, bottom] = [width - MARGIN.right, height - 46];
    const [low, high] = extent(rows.flatMap((row) => [row.expected, row.true]));
    const space = (high - low || 1) * 0.12;
    const x = linear(low - space, high + space, MARGIN.left, right);
    const y = linear(low - space, high + space, bottom, MARGIN.top);
    yAxis(root, y, ticks(low - space, high + space, 5), String, right);
    xAxis(root, x, ticks(low - space, high + space, 5), String, bottom, "expected score");
    root.append(svg("text", { class: "halo", x: MARGIN.left + 4, y: MARGIN.top + 8 }, "score that came true"));
    root.append(svg("path", {
      d: `M${x(low - space)} ${y(low - space)}L${x(high + space)} ${y(high + space)}`,
      stroke: "var(--soft)", "stroke-dasharray": "1 4", "stroke-linecap": "round",
    }));
    for (const row of rows) {
      root.append(svg("circle", {
        cx: x(row.expected), cy: y(row.true), r: 3 + 9 * Math.sqrt(row.count / most),
        fill: "var(--accent)", opacity: 0.75,
      }));
    }
    return {
      nearest(px, py) {
        const distance = (row) => Math.hypot(x(row.expected) - px, y(row.true) - py);
        return rows.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      },
      mark: (row) => [svg("circle", { cx: x(row.expected), cy: y(row.true), r: 4, fill: "var(--ink)" })],
      describe: (row) => ({
        title: `expected ${row.low} to ${row.high}`,
        rows: [
          { name: "mean expected", value: plain(row.expected) },
          { name: "came true", value: plain(row.true) },
          { name: "decisions", value: String(row.count) },
        ],
      }),
    };
  };
}
