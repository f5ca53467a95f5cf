/** Says so when the server did not take what somebody sent through htmx; what only asks (`GET`) is
 * asked again by itself or by hand, and says nothing. */
import { toast } from "./toast.js";
import { translate } from "./words.js";

const tell = (event, text) => {
  if (event.detail.requestConfig.verb !== "get") toast(text, { kind: "danger" });
};

document.addEventListener("htmx:sendError", (event) => {
  tell(event, translate("The server cannot be reached. Try again."));
});
document.addEventListener("htmx:responseError", (event) => {
  tell(event, translate("The server answered {status}.", { status: event.detail.xhr.status }));
});
