// A real OpenID provider (oidc-provider) on a port of this machine, for the contract tests. Whoever comes is signed in
// as the account in the cookie `account`, without a form. Each start makes new keys. `POST /says` sets amr and acr.
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.MODULES}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const [port, back, out] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const says = { amr: ["pwd", "mfa"], acr: undefined };
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const client = (client_id) => ({
  client_id, client_secret: `the secret of ${client_id}`, redirect_uris: [back], post_logout_redirect_uris: [out],
});

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: `key-${Date.now()}` }] },
  clients: [client("countenance"), client("another")],
  cookies: { keys: ["for tests only"] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  claims: { openid: ["sub", "acr", "amr"] },
  ttl: { IdToken: 3600, AccessToken: 3600, Grant: 3600, Interaction: 600, Session: 3600 },
  pkce: { required: () => true },
  interactions: { url: (_ctx, interaction) => `/enter/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...says }) }),
  clientBasedCORS: () => false,
  renderError: (ctx, told) => { ctx.type = "json"; ctx.body = told; },
  conformIdTokenClaims: false,
});

provider.use(async (ctx, next) => {
  if (ctx.method === "POST" && ctx.path === "/says") {
    let text = "";
    for await (const part of ctx.req) text += part;
    Object.assign(says, { amr: undefined, acr: undefined }, JSON.parse(text));
    ctx.body = "ok";
    return;
  }
  if (!ctx.path.startsWith("/enter/")) return next();
  const { params, prompt, session } = await provider.interactionDetails(ctx.req, ctx.res);
  const accountId = session?.accountId ?? ctx.cookies.get("account") ?? "account-of-ann";
  if (accountId === "refused") {
    return provider.interactionFinished(ctx.req, ctx.res, { error: "access_denied" });
  }
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope("openid");
  const consent = { grantId: await grant.save() };
  const login = prompt.name === "login" ? { login: { accountId, ...says } } : {};
  return provider.interactionFinished(ctx.req, ctx.res, { ...login, consent });
});

provider.listen(Number(port), "localhost", () => console.log("ready"));
