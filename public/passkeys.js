// Passkeys: shows what needs them, asks the browser for one, and sends its answer by the form that asked.
const Passkeys = window.PublicKeyCredential;
const asks = (form) => form.closest('[data-passkeys]')?.dataset.passkeys;
// A challenge works for five minutes.
const AUTOFILL_AGAIN = 4 * 60 * 1000;
let waiting;

async function post(path, fields, signal) {
  const answer = await fetch(path, { method: 'POST', body: new URLSearchParams(fields), signal });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.message), { path, field: body.field });
  return body;
}

async function ask(form, purpose, mediation) {
  waiting?.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  if (purpose === 'add') {
    const { options } = await post('/account/passkeys/begin', new FormData(form), signal);
    const publicKey = Passkeys.parseCreationOptionsFromJSON(options.publicKey);
    return navigator.credentials.create({ publicKey, signal });
  }
  const { options } = await post('/auth/passkey/begin', { purpose }, signal);
  const publicKey = Passkeys.parseRequestOptionsFromJSON(options.publicKey);
  return navigator.credentials.get({ publicKey, mediation, signal });
}

async function finish(form, purpose, mediation) {
  const credential = JSON.stringify(await ask(form, purpose, mediation));
  if (purpose === 'recent') {
    // Now that it is known who is there, the form goes on that wanted to know.
    await post('/auth/passkey', { credential });
    form.closest('[data-passkeys]').previousElementSibling.querySelector('form').requestSubmit();
    return;
  }
  const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'credential' });
  field.value = credential;
  form.append(field);
  form.submit();
}

function tell(form, error) {
  if (error.name === 'AbortError') return;
  // The page asks who is there, by a field that this form lacks.
  if (error.field && !form.elements[error.field]) {
    form.action = error.path;
    form.submit();
    return;
  }
  const place = form.querySelector('.form-error') ?? document.createElement('p');
  place.className = 'form-error';
  place.role = 'alert';
  place.textContent = {
    NotAllowedError: 'No passkey was used',
    InvalidStateError: 'This device has a passkey for your account already',
    TypeError: 'The registry cannot be reached. Check your connection and try again',
  }[error.name] ?? error.message;
  form.prepend(place);
}

async function autofill(form) {
  if (!(await Passkeys.isConditionalMediationAvailable?.())) return;
  finish(form, 'login', 'conditional').catch(() => {});
  const current = waiting;
  setTimeout(() => waiting === current && autofill(form), AUTOFILL_AGAIN);
}

if (Passkeys?.parseRequestOptionsFromJSON) {
  // Before the form's own listener, which would send it without a passkey.
  document.addEventListener('submit', (event) => {
    const purpose = asks(event.target);
    if (!purpose) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    finish(event.target, purpose).catch((error) => tell(event.target, error));
  }, true);
  for (const part of document.querySelectorAll('[data-passkeys]')) part.hidden = false;
  // While it was hidden, it could not have the focus.
  document.querySelector('[data-passkeys] [autofocus]')?.focus();
  const login = document.querySelector('[data-passkeys=login] form');
  if (login) autofill(login);
}
