// What is asked of the service. Each call throws an Error with the service's own sentence.

const RUN = `/review/runs/${encodeURIComponent(document.body.dataset.run)}`;
let ahead = null; // the next picture, asked for before it is wanted

export async function work() {
  return (await call("GET", `${RUN}/work`)).json();
}

/** The picture as an address for this page alone, and how it is looked at: "sphere" or "flat". */
export async function picture(number) {
  const found = ahead?.number === number ? ahead.found : load(number);
  ahead = null;
  return found;
}

export function fetchAhead(number) {
  if (ahead?.number === number) return;
  ahead = { number, found: load(number) };
  ahead.found.catch(() => {}); // told when it is wanted
}

export async function mark(number, kind, objectClass, box) {
  return (await call("POST", `${RUN}/pictures/${number}/marks`, { kind, class: objectClass, box })).json();
}

export async function unmark(id) {
  await call("DELETE", `${RUN}/marks/${id}`);
}

export async function setDone(number, done) {
  await call("PUT", `${RUN}/pictures/${number}`, { done });
}

async function load(number) {
  const answer = await call("GET", `${RUN}/pictures/${number}`);
  return { blob: await answer.blob(), projection: answer.headers.get("Baas-Projection") };
}

async function call(method, url, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Error("The service does not answer. Nothing was recorded; try again.");
  });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({ error: `The service answered ${answer.status}. Try again.` }));
  if (answer.status === 401) location.reload(); // to the form that asks for a token
  throw new Error(told.error);
}
