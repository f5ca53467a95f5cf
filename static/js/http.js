/** Requests to the suite's own API, with the CSRF token and problem details as errors. */
import { translate } from "./words.js";
export class ApiError extends Error {
  constructor(status, body) {
    super(body.detail || translate("The server answered {status}.", { status }));
    this.status = status;
    this.code = body.code;
    this.fields = body.fields || {};
  }
}

export async function api(method, url, body = undefined) {
  const headers = { Accept: "application/json" };
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  if (token) headers["X-CSRFToken"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, {
    method,
    headers,
    credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  const content = isJson ? await response.json() : {};
  if (!response.ok) throw new ApiError(response.status, content);
  return content;
}
