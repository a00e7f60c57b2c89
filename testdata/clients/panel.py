# Python 3, xmlrpc.client over urllib's Digest: no module that does not come with it.
import concurrent.futures
import sys
import urllib.error
import urllib.request
import xmlrpc.client

url, user, password = sys.argv[1:]


class Digest(xmlrpc.client.Transport):
    def __init__(self, login, given):
        super().__init__()
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, login, given)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPDigestAuthHandler(passwords))

    def request(self, host, handler, body, verbose=False):
        self.verbose = verbose
        return self.parse_response(self.opener.open(urllib.request.Request(url, body, {"Content-Type": "text/xml"})))


def client(login=user, given=password):
    return xmlrpc.client.ServerProxy(url, transport=Digest(login, given), allow_none=True)


def check(name, good, why):
    print("ok " + name if good else "FAILED %s: %r" % (name, why))


def fault(call, *args):
    try:
        return "no fault", call(*args)
    except xmlrpc.client.Fault as f:
        return f.faultCode, f.faultString


c = client()
account = {"i_account": 100}


def threshold():
    return c.getLowBalance(account)["threshold"]


v = c.getLowBalance({"i_account": 101})
check("nil-read", v["result"] == "OK" and v["threshold"] is None, v)
for name, null in ("nil-write", None), ("empty-null", ""):
    c.setLowBalance(dict(account, threshold=5.25))
    before = threshold()
    c.setLowBalance(dict(account, threshold=null))
    check(name, before == 5.25 and threshold() is None, before)
c.setLowBalance(dict(account, charge_amount=10, notify_by_email=1))
v = c.getLowBalance(account)
check("ints", type(v["charge_amount"]) is float and v["charge_amount"] == 10 and v["notify_by_email"] is True, v)
c.setLowBalance(dict(account, threshold=1e-05))
check("exponent", threshold() == 1e-05, threshold())
card = dict(account, alias="a & b < c > d", i_card_type=1, number="4111111111111111", holder="A", exp_mm=12, exp_yy=2050, street_addr1="1 Main St",
            state="NY", postal_code="02134", city="Boston", country="US", phone="+15551234567")
one = dict(account, i_debit_credit_card=c.addDebitCreditCard(card)["i_debit_credit_card"])
v = c.getDebitCreditCardInfo(one)
check("digits", [v[k] for k in ("number", "postal_code", "phone", "alias")] == ["1111", "02134", "+15551234567", card["alias"]], v)
f = [fault(c.getLowBalance, {"i_account": 999999}), fault(c.getLowBalance, {}), fault(c.noSuchMethod, {})]
check("fault", f[0] == (401, "Wrong i_account") and f[1] == (400, "Parameter i_account is required") and "do not have a method with that name" in f[2][1], f)
try:
    check("password", False, client(user, "wrong").getLowBalance(account))
except urllib.error.HTTPError as e:
    check("password", e.code == 401, e)
    e.close()
results = [c.getAccountMinutePlans(account)["result"] for _ in range(3)]
print("cannot three: closes after each call" if results == ["OK"] * 3 else "FAILED three: %r" % results)
with concurrent.futures.ThreadPoolExecutor(50) as pool:
    results = list(pool.map(lambda _: client().getLowBalance(account)["result"], range(50)))
check("parallel", results == ["OK"] * 50, results)
text = "a & b < c > d \"\u00e9\" \u0446"
c.updateDebitCreditCard(dict(one, alias=text))
check("text", c.getDebitCreditCardInfo(one)["alias"] == text, text)
rows = []
for n in 0, 1, 1000:
    found = client("rows%d" % n, "rows%d" % n).listAccounts({})["accounts"]
    rows.append(len(found) if n == 0 or found[-1]["username"] == "a & b <%d> \"\u00e9\" \u0446" % n else found[-1])
check("rows", rows == [0, 1, 1000], rows)
many = xmlrpc.client.MultiCall(c)
for i in 100, 200, 101:
    many.setLowBalance({"i_account": i, "charge_amount": 10})
results = many()
check("multicall", results[0] == {"result": "OK"} and fault(lambda: results[1]) == (401, "Wrong i_account") and results[2] == {"result": "OK"}, results.results)
