// The charts, one function each.

const REGION_NAMES = ["top left", "top right", "bottom left", "bottom right"];
const ARROWS = ["↖", "↗", "↙", "↘"];
const regionColor = (region) => `var(--region-${region % 4})`;

const KINDS = {
  target: { name: "decision network, fixed target", color: "var(--accent)", dash: "" },
  dynamic: { name: "decision network, dynamic target", color: "var(--accent)", dash: "" },
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
      const path = linePath(chosen.map((s) => [x(s.share), y(value(s))]));
      root.append(svg("path", { d: path, fill: "none", stroke: color, "stroke-width": 2, "stroke-dasharray": dash }));
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
        class: "strong halo", x: bx + (isRight ? -8 : 14), y: by + (isRight ? -12 : 4), "text-anchor": isRight ? "end" : "start",
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

// What the charts over time share: the scale, the axis, and how they are pointed at.
function timeFrame(data, root, width, bottom, named) {
  const { seconds, end } = data.timeline;
  const right = width - MARGIN.right;
  const x = linear(seconds[0], end, MARGIN.left, right);
  const edges = [...seconds, end];
  if (named) {
    const places = ticks(seconds[0], end, Math.max(3, Math.floor(width / 110)));
    xAxis(root, x, places, (s) => `${s} s`, bottom);
  }
  const middle = (bin) => (x(edges[bin]) + x(edges[bin + 1])) / 2;
  return {
    x, edges, middle, right,
    nearest(px) {
      const bin = edges.findLastIndex((second) => x(second) <= px);
      return Math.min(Math.max(bin, 0), seconds.length - 1);
    },
    mark: (bin) => [
      svg("line", { class: "cursor", x1: middle(bin), x2: middle(bin), y1: MARGIN.top, y2: bottom }),
    ],
    title(bin) {
      const [first, next] = [data.timeline.first_frames[bin], data.timeline.first_frames[bin + 1] ?? data.run.frames];
      const frames = next - first > 1 ? `frames ${first} to ${next - 1}` : `frame ${first}`;
      return `${frames}, ${seconds[bin].toFixed(2)} s`;
    },
  };
}

// From the flow path's colour over sand to the segmentation path's.
const pathColor = (segmented) =>
  segmented < 0.5
    ? `color-mix(in oklab, var(--sand) ${Math.round(200 * segmented)}%, var(--flow))`
    : `color-mix(in oklab, var(--segmentation) ${Math.round(200 * segmented - 100)}%, var(--sand))`;

function pathsChart(data) {
  const rows = data.timeline.segmented;
  return (root, width, height) => {
    const frame = timeFrame(data, root, width, height - MARGIN.bottom, true);
    const row = (height - MARGIN.bottom - MARGIN.top) / rows.length;
    rows.forEach((values, region) => {
      const top = MARGIN.top + region * row;
      root.append(svg("text", { x: MARGIN.left - 8, y: top + row / 2 + 4, "text-anchor": "end" }, ARROWS[region]));
      for (let start = 0; start < values.length; ) {
        let stop = start + 1;
        while (stop < values.length && values[stop] === values[start]) stop += 1;
        const [from, to] = [frame.x(frame.edges[start]), frame.x(frame.edges[stop])];
        root.append(svg("rect", {
          x: from, y: top + 2, width: Math.max(to - from, 0.7), height: row - 4,
          fill: pathColor(values[start]), opacity: values[start] ? 1 : 0.45,
        }));
        start = stop;
      }
    });
    return {
      ...frame,
      describe: (bin) => ({
        title: frame.title(bin),
        rows: rows.map((values, region) => ({
          name: REGION_NAMES[region],
          value: [0, 1].includes(values[bin]) ? ["flow path", "segmented"][values[bin]] : percent(values[bin], 0),
          color: pathColor(values[bin]),
        })),
      }),
    };
  };
}

// Whether all regions have one target, as under a fixed schedule.
const isShared = ({ targets }) =>
  targets.every((series) => series.every((value, bin) => value === targets[0][bin]));

function scoresChart(data) {
  const { scores, targets } = data.timeline;
  const shared = isShared(data.timeline);
  return (root, width, height) => {
    const bottom = height - MARGIN.bottom;
    const frame = timeFrame(data, root, width, bottom, true);
    const [low, high] = extent([...scores, ...targets].flat());
    const space = (high - low || 1) * 0.06;
    const y = linear(low - space, high + space, bottom, MARGIN.top);
    yAxis(root, y, ticks(low - space, high + space, 5), String, frame.right);
    const line = (series, more) =>
      svg("path", {
        d: linePath(series.map((value, bin) => [frame.middle(bin), value === null ? null : y(value)])),
        fill: "none", ...more,
      });
    scores.forEach((series, region) =>
      root.append(line(series, { stroke: regionColor(region), "stroke-width": 1.6 })));
    (shared ? targets.slice(0, 1) : targets).forEach((series, region) =>
      root.append(line(series, {
        stroke: shared ? "var(--ink)" : regionColor(region), "stroke-width": 1.4, "stroke-dasharray": "6 4",
      })));
    return {
      ...frame,
      describe: (bin) => ({
        title: frame.title(bin),
        rows: [
          ...scores.map((series, region) => ({
            name: REGION_NAMES[region],
            value: plain(series[bin]) + (shared ? "" : ` of ${plain(targets[region][bin])}`),
            color: regionColor(region),
          })),
          ...(shared ? [{ name: "target", value: plain(targets[0][bin]) }] : []),
        ],
      }),
    };
  };
}

function agreementChart(data) {
  const series = data.timeline.agreement;
  return (root, width, height) => {
    const bottom = height - MARGIN.bottom;
    const frame = timeFrame(data, root, width, bottom, true);
    const low = Math.min(extent(series)[0], 0.99);
    const y = linear(low - (1 - low) * 0.08, 1, bottom, MARGIN.top);
    yAxis(root, y, ticks(low, 1, 4), tickFormat("agreement"), frame.right);
    const points = series.map((value, bin) => [frame.middle(bin), y(value)]);
    const area = `${linePath(points)}L${points.at(-1)[0]} ${bottom}L${points[0][0]} ${bottom}Z`;
    root.append(
      svg("path", { d: area, fill: "var(--accent)", opacity: 0.12 }),
      svg("path", { d: linePath(points), fill: "none", stroke: "var(--accent)", "stroke-width": 1.8 }),
    );
    return {
      ...frame,
      describe: (bin) => ({ title: frame.title(bin), rows: [{ name: "agreement", value: percent(series[bin], 2) }] }),
    };
  };
}

function classesChart(data) {
  const shares = data.timeline.class_shares;
  return (root, width, height) => {
    const bottom = height - MARGIN.bottom;
    const frame = timeFrame(data, root, width, bottom, true);
    const y = linear(0, 1, bottom, MARGIN.top);
    yAxis(root, y, [0, 0.5, 1], tickFormat("shares"), frame.right);
    let below = shares[0].map(() => 0);
    shares.forEach((series, number) => {
      const above = series.map((share, bin) => below[bin] + share);
      const edge = (heights) => frame.edges.map((second, bin) => [frame.x(second), y(heights[Math.min(bin, heights.length - 1)])]);
      const back = edge(below).reverse().map(([px, py]) => `L${px.toFixed(1)} ${py.toFixed(1)}`).join("");
      root.append(svg("path", { d: `${linePath(edge(above))}${back}Z`, fill: data.classes[number].color }));
      below = above;
    });
    return {
      ...frame,
      describe: (bin) => ({
        title: frame.title(bin),
        rows: shares
          .map((series, number) => ({ ...data.classes[number], share: series[bin] }))
          .filter(({ share }) => share >= 0.0005)
          .reverse()
          .map(({ name, color, share }) => ({ name, color, value: percent(share) })),
      }),
    };
  };
}

function latencyChart(data) {
  const { edges, counts } = data.latency;
  const most = Math.max(...edges.slice(1).map((_, bin) => counts.reduce((sum, each) => sum + each[bin], 0)));
  return (root, width, height) => {
    const [right, bottom] = [width - MARGIN.right, height - 46];
    const x = linear(edges[0], edges.at(-1), MARGIN.left, right);
    const y = linear(0, most, bottom, MARGIN.top + 16);
    yAxis(root, y, ticks(0, most, 4).filter(Number.isInteger), String, right);
    xAxis(root, x, ticks(edges[0], edges.at(-1), Math.max(3, Math.floor(width / 100))), String, bottom, "milliseconds a frame");
    const below = edges.map(() => 0);
    counts.forEach((each, segmented) => {
      each.forEach((count, bin) => {
        if (!count) return;
        root.append(svg("rect", {
          x: x(edges[bin]) + 0.75, width: Math.max(x(edges[bin + 1]) - x(edges[bin]) - 1.5, 1),
          y: y(below[bin] + count), height: y(below[bin]) - y(below[bin] + count),
          fill: pathColor(segmented / (counts.length - 1)),
        }));
        below[bin] += count;
      });
    });
    const median = x(data.latency.p50);
    root.append(
      svg("line", { class: "cursor", x1: median, x2: median, y1: MARGIN.top + 4, y2: bottom }),
      svg("text", { class: "halo", x: median + 5, y: MARGIN.top + 12 }, `median ${plain(data.latency.p50)} ms`),
    );
    return {
      nearest: (px) => Math.min(Math.max(Math.floor(((px - MARGIN.left) / (right - MARGIN.left)) * (edges.length - 1)), 0), edges.length - 2),
      mark: (bin) => [svg("rect", {
        x: x(edges[bin]), width: x(edges[bin + 1]) - x(edges[bin]), y: MARGIN.top, height: bottom - MARGIN.top,
        fill: "var(--ink)", opacity: 0.07,
      })],
      describe: (bin) => ({
        title: `${plain(edges[bin])} to ${plain(edges[bin + 1])} ms`,
        rows: counts
          .map((each, segmented) => ({
            name: `${segmented} segmented`, value: `${each[bin]} frames`, color: pathColor(segmented / (counts.length - 1)), count: each[bin],
          }))
          .filter(({ count }) => count),
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
        cx: x(row.expected), cy: y(row.true), r: 3 + 9 * Math.sqrt(row.count / most), fill: "var(--accent)", opacity: 0.75,
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
