// The charts over time, one function each.

// Of a class, for it to be named.
const SMALLEST_SHARE = 0.0005;

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
      const first = data.timeline.first_frames[bin];
      const last = data.timeline.last_frames[bin];
      const frames = last > first ? `frames ${first} to ${last}` : `frame ${first}`;
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
      root.append(svg("text", { x: MARGIN.left - 8, y: top + row / 2 + 4, "text-anchor": "end" }, REGIONS[region].mark));
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
          name: REGIONS[region].name,
          value: ["flow path", "segmented"][values[bin]] ?? percent(values[bin], 0),
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
        d: linePath(series.map((each, bin) => [frame.middle(bin), each === null ? null : y(each)])),
        fill: "none", ...more,
      });
    scores.forEach((series, region) =>
      root.append(line(series, { stroke: regionColor(region), "stroke-width": 1.6 })));
    (shared ? targets.slice(0, 1) : targets).forEach((series, region) =>
      root.append(line(series, {
        stroke: shared ? "var(--ink)" : regionColor(region),
        "stroke-width": 1.4, "stroke-dasharray": "6 4",
      })));
    return {
      ...frame,
      describe: (bin) => ({
        title: frame.title(bin),
        rows: [
          ...scores.map((series, region) => ({
            name: REGIONS[region].name,
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
      describe: (bin) => ({
        title: frame.title(bin),
        rows: [{ name: "agreement", value: percent(series[bin], 2) }],
      }),
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
      const edge = (heights) =>
        frame.edges.map((second, bin) => [frame.x(second), y(heights[bin] ?? heights.at(-1))]);
      const back = linePath(edge(below).reverse()).replace("M", "L");
      const fill = data.classes[number].color;
      root.append(svg("path", { d: `${linePath(edge(above))}${back}Z`, fill }));
      below = above;
    });
    return {
      ...frame,
      describe: (bin) => ({
        title: frame.title(bin),
        rows: shares
          .map((series, number) => ({ ...data.classes[number], share: series[bin] }))
          .filter(({ share }) => share >= SMALLEST_SHARE)
          .reverse()
          .map(({ name, color, share }) => ({ name, color, value: percent(share) })),
      }),
    };
  };
}
