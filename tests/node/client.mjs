// Asks the API with OpenAI's own client for Node and prints what it was given, as JSON.
// Run from a folder that has the client: node --input-type=module - PART,PART < client.mjs

import OpenAI from "openai";

const { ADDRESS, KEY, LIMITED } = process.env;
const ASK = [{ role: "user", content: "When is high tide?" }];
const ENDLESS = [{ role: "user", content: "endless" }];
const LOOK = {
  type: "function",
  function: {
    name: "look",
    description: "Look up a tide.",
    parameters: { type: "object", properties: { day: { type: "string" } } },
  },
};
const connect = (apiKey) => new OpenAI({ baseURL: `${ADDRESS}/v1`, apiKey, maxRetries: 0 });
const client = connect(KEY);
const chat = client.chat.completions;

async function whole() {
  const made = await chat.create({ model: "workbench-toy", messages: ASK });
  const [choice] = made.choices;
  return {
    text: choice.message.content,
    finish: choice.finish_reason,
    tokens: made.usage.total_tokens,
    cited: choice.message.annotations[0].url_citation.title,
    mode: made.workbench.mode,
    request: made._request_id,
  };
}

async function streamed() {
  const stream = await chat.create({
    model: "workbench-toy",
    messages: ASK,
    stream: true,
    stream_options: { include_usage: true },
  });
  const said = { text: "", pieces: 0, finish: null, tokens: null, sources: 0 };
  for await (const chunk of stream) {
    const [choice] = chunk.choices;
    if (choice?.delta.content) {
      said.text += choice.delta.content;
      said.pieces += 1;
    }
    said.finish = choice?.finish_reason ?? said.finish;
    said.tokens = chunk.usage?.total_tokens ?? said.tokens;
    said.sources += chunk.workbench?.sources?.length ?? 0;
  }
  return said;
}

// the client's own helper, which puts the pieces together
async function gathered() {
  const stream = chat.stream({ model: "workbench-toy", messages: ASK });
  const made = await stream.finalChatCompletion();
  return made.choices[0].message.content;
}

async function tools() {
  const asked = { model: "workbench-assistant", tools: [LOOK], messages: ASK };
  const [first] = (await chat.create(asked)).choices;
  const [call] = first.message.tool_calls;
  const told = { role: "tool", tool_call_id: call.id, content: "six" };
  const stream = await chat.create({
    ...asked,
    messages: [...ASK, first.message, told],
    stream: true,
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
  return { finish: first.finish_reason, name: call.function.name, text };
}

// the client's own loop, which makes the calls itself
async function runner() {
  const calls = [];
  const look = (given) => {
    calls.push(given);
    return "six";
  };
  const tool = { ...LOOK, function: { ...LOOK.function, function: look, parse: JSON.parse } };
  const run = chat.runTools({ model: "workbench-assistant", messages: ASK, tools: [tool] });
  return { text: await run.finalContent(), calls };
}

async function models() {
  const found = [];
  for await (const model of client.models.list()) found.push(model.id);
  return found;
}

async function problem(ask) {
  try {
    await ask();
  } catch (error) {
    const { status, code, message } = error;
    const wait = error.headers?.get("retry-after") ?? null;
    return { name: error.constructor.name, status, code, message, wait };
  }
  return null;
}

async function errors() {
  const limited = connect(LIMITED);
  const failing = { model: "workbench-toy", messages: [{ role: "user", content: "fails" }] };
  const missing = { model: "gpt-9", messages: ASK };
  const hot = { model: "workbench-toy", messages: ASK, temperature: 3 };
  await limited.models.list();
  return {
    key: await problem(() => connect("wrong").models.list()),
    model: await problem(() => chat.create(missing)),
    often: await problem(() => limited.models.list()),
    field: await problem(() => chat.create(hot)),
    agent: await problem(() => chat.create(failing)),
    stream: await problem(async () => {
      for await (const _ of await chat.create({ ...failing, stream: true }));
    }),
  };
}

async function closed() {
  const messages = [{ role: "user", content: "Was it closed?" }];
  const made = await chat.create({ model: "workbench-toy", messages });
  return made.choices[0].message.content;
}

async function aborted() {
  const stream = await chat.create({ model: "workbench-toy", messages: ENDLESS, stream: true });
  let seen = 0;
  for await (const _ of stream) {
    seen += 1;
    if (seen === 5) stream.controller.abort();
  }
  return { seen, closed: await closed() };
}

async function timedOut() {
  const wait = { timeout: 300 };
  const ask = () => chat.create({ model: "workbench-toy", messages: ENDLESS }, wait);
  const { name } = await problem(ask);
  return { name, closed: await closed() };
}

const asked = { models, whole, streamed, gathered, tools, runner, errors, aborted, timedOut };
const wanted = process.argv[2].split(",");
const found = {};
for (const part of wanted) found[part] = await asked[part]();
console.log(JSON.stringify(found));
