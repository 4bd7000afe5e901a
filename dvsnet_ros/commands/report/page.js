// The page: words, tables and frames, and where each chart goes.

const data = JSON.parse(byId("data").textContent);
const REGIONS = regionsOf(data.grid);
const { run } = data;
const isLabelled = run.mean_iou !== null;

function writeHead() {
  byId("lede").textContent =
    `At target ${run.value}, ${percent(run.share)} of the regions took the segmentation path` +
    `${run.share < 1 ? "; the others followed their key frames" : ""}. ${percent(run.agreement)} of the pixels have the ` +
    `label that per-frame segmentation gives them, at ${plain(run.fps)} frames a second where ` +
    `per-frame segmentation makes ${plain(run.per_frame_fps)}.`;
  const tiles = [
    ["of the regions segmented", percent(run.share),
      run.share < 1 ? `${plain(1 / run.share)} times fewer than per frame` : "as many as per frame"],
    ["agreement with per-frame segmentation", percent(run.agreement), `over ${run.frames} frames`],
    ["mIoU", percent(run.mean_iou), `per frame ${percent(run.per_frame_mean_iou)}`],
    ["frames a second", plain(run.fps), `per frame ${plain(run.per_frame_fps)}`],
  ];
  byId("tiles").replaceChildren(
    ...tiles
      .filter(([name]) => isLabelled || name !== "mIoU")
      .map(([name, value, beside]) => {
        const [number, unit] = value.split("\u00a0");
        return html("div", {},
          html("dt", {}, name),
          html("dd", { class: "value" }, number, html("small", {}, unit ? ` ${unit}` : "")),
          html("dd", { class: "beside" }, beside),
        );
      }),
  );
}

function writeAdvice() {
  const best = data.settings.find((setting) => setting.recommended);
  const isSpeed = data.wish.endsWith("/s");
  const how = isSpeed ? "agrees best of those tried that give" : "is the cheapest tried that gives";
  const words = data.fulfilled
    ? `Target ${best.value} ${how} ${data.wish}. `
    : `None of the targets tried gives ${data.wish}; ${best.value} comes closest. `;
  const cost =
    `It segments ${percent(best.share)} of the regions, for ${percent(best.agreement, 2)} ` +
    `agreement at ${plain(best.fps)} frames a second.`;
  const caveat = data.caveat ? ` Mind that ${data.caveat}.` : "";
  const isShown = run.value === best.value;
  const other = isShown ? "" : ` The rest of this page shows target ${run.value}.`;
  byId("advice").textContent = words + cost + caveat + other;
}

function writeSettings() {
  const columns = [
    ["setting", settingName],
    ["segmented", (s) => percent(s.share)],
    ["agreement", (s) => percent(s.agreement, 2)],
    ...(isLabelled ? [["mIoU", (s) => percent(s.mean_iou)]] : []),
    ["frames/s", (s) => plain(s.fps)],
  ];
  const rows = data.settings.map((s) => {
    const cells = columns.map(([, value]) => html("td", {}, value(s)));
    return html("tr", s.recommended ? { class: "recommended" } : {}, ...cells);
  });
  byId("settings").replaceChildren(
    html("thead", {}, html("tr", {}, ...columns.map(([name]) => html("th", {}, name)))),
    html("tbody", {}, ...rows),
  );
}

function drawTradeoff() {
  let measure = "agreement";
  const redraw = chart("tradeoff", 340, "quality against the share of regions on the segmentation path",
    (...where) => tradeoffChart(data, () => measure)(...where));
  const kinds = Object.keys(KINDS).filter((kind) => data.settings.some((s) => s.kind === kind));
  legend("tradeoff-legend", kinds.map((kind) => [KINDS[kind].name, KINDS[kind].color]));
  const names = Object.keys(MEASURES).filter((name) => isLabelled || name !== "mIoU");
  choice("measures", names, (name) => {
    measure = name;
    redraw();
  });
}

function showFrames() {
  const { frames } = data;
  let place = 0;
  let view = Object.keys(frames[0].views)[0];

  function show() {
    const frame = frames[place];
    byId("picture").src = frame.views[view];
    byId("picture").alt = `frame ${frame.number}, ${view}`;
    byId("place").textContent = `${place + 1} of ${frames.length}`;
    byId("caption").textContent =
      `Frame ${frame.number}, at ${plain(frame.seconds, 2)} s: ${percent(frame.agreement)} of its pixels agree.`;
    byId("regions").replaceChildren(...frame.regions.map(describeRegion));
    thumbnails.forEach((thumbnail, number) => {
      thumbnail.setAttribute("aria-current", String(number === place));
    });
    const strip = byId("thumbnails");
    const shown = thumbnails[place];
    strip.scrollLeft = shown.offsetLeft - strip.offsetLeft - (strip.clientWidth - shown.clientWidth) / 2;
  }
  function step(by) {
    place = (place + by + frames.length) % frames.length;
    show();
  }
  const thumbnails = frames.map((frame, number) =>
    html("button",
      { type: "button", "aria-label": `frame ${frame.number}`, onclick: () => step(number - place) },
      html("img", { src: frame.views[view], alt: "" }),
      percent(frame.agreement)));
  byId("thumbnails").replaceChildren(...thumbnails);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("viewer").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  });
  const views = [...new Set(frames.flatMap((frame) => Object.keys(frame.views)))];
  choice("views", views, (name) => {
    view = name;
    show();
  });
}

function describeRegion(region, number) {
  const isFlow = region.path === "flow";
  const score = region.score === null
    ? "first frame, no score"
    : `score ${plain(region.score)} ${isFlow ? "≥" : "<"} ${plain(region.target)}`;
  const frames = region.age === 1 ? "frame" : "frames";
  const age = isFlow ? `key age ${region.age} ${frames}` : "new key frame";
  return html("div", { style: `--path: var(--${region.path})` },
    html("b", {}, `${REGIONS[number].mark} ${isFlow ? "flow path" : "segmented"}`),
    score, html("br"), age);
}

function drawTime() {
  const group = [];
  const regions = data.timeline.segmented.length;
  chart("paths", 36 + 30 * regions, "path of each region over time", pathsChart(data), group);
  chart("scores", 250, "expected confidence scores over time", scoresChart(data), group);
  chart("agreement", 150, "agreement over time", agreementChart(data), group);
  chart("classes", 250, "shares of the classes over time", classesChart(data), group);
  legend("paths-legend", [
    ["segmentation path", "var(--segmentation)"],
    ["flow path", "color-mix(in srgb, var(--flow) 45%, var(--paper))"],
  ]);
  legend("scores-legend", [
    ...REGIONS.map(({ name }, region) => [name, regionColor(region)]),
    isShared(data.timeline)
      ? ["target, dashed", "var(--ink)"]
      : ["targets dashed, of the same colour", "none"],
  ]);
  const shares = data.timeline.class_shares;
  const seen = data.classes.filter((_, number) => Math.max(...shares[number]) >= SMALLEST_SHARE);
  for (const id of ["classes-legend", "frames-legend"]) {
    legend(id, seen.map(({ name, color }) => [name, color]));
  }
}

function drawLatency() {
  const { p50, p95, p99, counts } = data.latency;
  byId("latency-words").textContent =
    `A frame took ${plain(p50)} ms in the median, ${plain(p95)} ms at the 95th percentile and ` +
    `${plain(p99)} ms at the 99th. It depends on how many of its regions are segmented.`;
  chart("latency", 250, "distribution of latencies", latencyChart(data));
  legend("latency-legend", counts.map((_, segmented) => [
    `${segmented} ${segmented === 1 ? "region" : "regions"} segmented`,
    pathColor(segmented / (counts.length - 1)),
  ]));
}

function drawDecision() {
  const { count, error, rank_correlation: correlation } = data.decision;
  if (!count) {
    byId("decisions").remove();
    return;
  }
  byId("decision-words").textContent =
    `Over ${count} decisions, the expected confidence score was off by ${plain(error, 2)} points in ` +
    `the mean; its rank correlation (Spearman) with what came true is ${plain(correlation, 2)}. ` +
    `On the dotted line, what was expected came true.`;
  chart("calibration", 340, "expected scores and what came true", calibrationChart(data));
}

function writeOrigin() {
  const described = ([name, value]) => [html("dt", {}, name), html("dd", {}, value)];
  byId("origin").replaceChildren(...data.origin.map(({ heading, entries }) =>
    html("div", {}, html("h3", {}, heading), html("dl", {}, ...entries.flatMap(described)))));
}

writeHead();
writeAdvice();
writeSettings();
drawTradeoff();
showFrames();
drawTime();
drawLatency();
drawDecision();
writeOrigin();
