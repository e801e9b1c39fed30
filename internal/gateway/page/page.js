"use strict";

// element makes an element. Texts become text nodes, never markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// resolved follows references within the document.
function resolved(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema ?? {};
}

// example writes a value of a schema.
function example(api, schema, depth = 0) {
  const s = resolved(api, schema);
  if (s.examples?.length) return s.examples[0];
  if (s.enum) return s.enum[0];
  const type = [].concat(s.type ?? "any").find((t) => t !== "null");
  if (type === "object" && depth < 4) {
    const fields = Object.entries(s.properties ?? {}).filter(([name]) => name !== "$schema");
    return Object.fromEntries(fields.map(([name, field]) => [name, example(api, field, depth + 1)]));
  }
  if (type === "array") return depth < 4 ? [example(api, s.items, depth + 1)] : [];
  return { string: "text", integer: 1, number: 1.5, boolean: true, object: {} }[type] ?? null;
}

function typeOf(schema) {
  return schema?.enum ? schema.enum.join(" | ") : [].concat(schema?.type ?? "any").join(" or ");
}

// parametersOf shows a table with a field to fill in for each parameter.
function parametersOf(operation) {
  const table = element("table", {}, element("tr", {}, element("th", {}, "Parameter"), element("th", {}, "Value"), element("th", {}, "")));
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const input = element("input", { name: parameter.name, placeholder: typeOf(parameter.schema) });
    const about = `${parameter.in}${parameter.required ? ", required" : ""}. ${parameter.description ?? ""}`;
    table.append(element("tr", {}, element("td", {}, element("code", {}, parameter.name)), element("td", {}, input), element("td", {}, about)));
    return { parameter, input };
  });
  return { table, inputs };
}

// requestOf puts the filled-in fields together.
function requestOf(method, path, inputs, body) {
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value).replaceAll(".", "%2E"));
    else if (input.value === "") continue;
    else if (parameter.in === "query") query.append(parameter.name, input.value);
    else headers[parameter.name] = input.value;
  }
  if (body) headers["Content-Type"] = "application/json";
  return [path + (query.size ? `?${query}` : ""), { method: method.toUpperCase(), headers, body: body?.value }];
}

// send makes a request and shows the answer as it comes.
async function send(request, shown, signal) {
  shown.textContent = "…";
  try {
    const response = await fetch(request[0], { ...request[1], signal });
    shown.textContent = `${response.status} ${response.statusText}\n`;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      shown.append(value);
    }
  } catch (error) {
    shown.append(String(error));
  }
}

function operationOf(api, path, method, operation) {
  const { table, inputs } = parametersOf(operation);
  const inside = element("div", {}, operation.description ?? "");
  if (inputs.length) inside.append(table);
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const body = schema ? element("textarea", { spellcheck: "false", "aria-label": "body" }) : null;
  if (body) {
    body.value = JSON.stringify(example(api, schema), null, 1);
    inside.append(element("p", {}, "Body"), body);
  }
  const shown = element("pre", { "aria-live": "polite" });
  const run = element("button", { type: "button" }, "Send");
  const stop = element("button", { type: "button" }, "Stop");
  let running = new AbortController();
  run.addEventListener("click", () => {
    running.abort();
    running = new AbortController();
    send(requestOf(method, path, inputs, body), shown, running.signal);
  });
  stop.addEventListener("click", () => running.abort());
  inside.append(run, stop, shown);
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    const types = Object.entries(answer.content ?? {});
    inside.append(element("p", {}, `${status}: ${answer.description ?? ""} ${types.map(([type]) => type).join(", ")}`));
    if (types.length && status !== "default") inside.append(element("pre", {}, JSON.stringify(example(api, types[0][1].schema), null, 1)));
  }
  return element("details", { id: operation.operationId },
    element("summary", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), element("span", { class: "about" }, operation.summary ?? "")), inside);
}

async function show() {
  const api = await (await fetch("/openapi.json")).json();
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById("description").textContent = api.info.description;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags?.[0] ?? "";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationOf(api, path, method, operation));
    }
  }
  const all = [...groups].flatMap(([tag, operations]) => [element("h2", {}, tag), ...operations]);
  document.getElementById("operations").replaceChildren(...all);
}

show().catch((error) => {
  document.getElementById("operations").textContent = `openapi.json cannot be shown: ${error}`;
});
