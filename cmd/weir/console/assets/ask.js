// Requests to the API of the process that served this page.

const tokenKey = 'weir-token';

export const token = {
  get: () => sessionStorage.getItem(tokenKey) ?? '',
  set: (text) => sessionStorage.setItem(tokenKey, text),
};

// Problem is an answer that is an error (RFC 9457), or that did not come.
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || (status ? `status ${status}` : 'no answer'));
    this.status = status;
    this.body = body ?? {};
  }
}

// request sends one and returns the response, whatever its body; a status of an error is thrown as a Problem.
export async function request(path, options = {}) {
  const headers = { ...options.headers };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...options, headers, cache: 'no-store', credentials: 'same-origin' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, { detail: 'the process does not answer' });
  }
  if (response.ok) return response;
  throw new Problem(response.status, await response.json().catch(() => null));
}

export async function get(path, options) {
  return (await request(path, options)).json();
}

// tell sends a command; body null: none.
export async function tell(method, path, body) {
  const headers = body ? { 'Content-Type': 'application/json' } : {};
  const response = await request(path, { method, headers, body: body && JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}
