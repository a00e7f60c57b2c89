# Ruby, xmlrpc with net-http-digest_auth: integers as i4, the first nc is 0.
require 'net/http'
require 'net/http/digest_auth'
require 'uri'
require 'xmlrpc/client'
require 'xmlrpc/create'
require 'xmlrpc/parser'
XMLRPC::Config.send(:remove_const, :ENABLE_NIL_CREATE)
XMLRPC::Config.const_set(:ENABLE_NIL_CREATE, true)
XMLRPC::Config.send(:remove_const, :ENABLE_NIL_PARSER)
XMLRPC::Config.const_set(:ENABLE_NIL_PARSER, true)
URL, USER, PASSWORD = ARGV

class Panel
  def initialize(user = USER, password = PASSWORD)
    @uri = URI.parse(URL)
    @uri.user, @uri.password = user, password
    @http = Net::HTTP.new(@uri.host, @uri.port, nil)
    @http.keep_alive_timeout = 60 # of 2 s a slow machine makes another connection
  end

  # keep holds one connection open.
  def keep
    @http.start { yield self }
  end

  def call(method, *params)
    body = XMLRPC::Create.new.methodCall(method, *(params.empty? ? [{}] : params))
    first = @http.request(post(body))
    raise "no challenge: #{first.code}" unless first.code == '401'
    again = post(body)
    again['Authorization'] = Net::HTTP::DigestAuth.new.auth_header(@uri, first['WWW-Authenticate'], 'POST')
    reply = @http.request(again)
    raise "HTTP #{reply.code}" unless reply.code == '200'
    good, value = XMLRPC::XMLParser::REXMLStreamParser.new.parseMethodResponse(reply.body)
    raise value unless good
    value
  end

  private def post(body)
    r = Net::HTTP::Post.new(@uri.request_uri, 'Content-Type' => 'text/xml; charset=utf-8')
    r.body = body
    r
  end
end

def check(name, good, why)
  puts good ? "ok #{name}" : "FAILED #{name}: #{why.inspect}"
end

def fault
  yield
  'no fault'
rescue XMLRPC::FaultException => e
  [e.faultCode, e.faultString]
end

c = Panel.new
account = { 'i_account' => 100 }
threshold = -> { c.call('getLowBalance', account)['threshold'] }
v = c.call('getLowBalance', { 'i_account' => 101 })
check('nil-read', v['result'] == 'OK' && v.key?('threshold') && v['threshold'].nil?, v)
{ 'nil-write' => nil, 'empty-null' => '' }.each do |name, null|
  c.call('setLowBalance', account.merge('threshold' => 5.25))
  before = threshold.call
  c.call('setLowBalance', account.merge('threshold' => null))
  check(name, before == 5.25 && threshold.call.nil?, before)
end
c.call('setLowBalance', account.merge('charge_amount' => 10, 'notify_by_email' => 1))
v = c.call('getLowBalance', account)
check('ints', v['charge_amount'].eql?(10.0) && v['notify_by_email'] == true, v)
c.call('setLowBalance', account.merge('threshold' => 1e-05))
check('exponent', threshold.call == 1e-05, threshold.call)
card = account.merge('alias' => 'a & b < c > d', 'i_card_type' => 1, 'number' => '4111111111111111', 'holder' => 'A', 'exp_mm' => 12, 'exp_yy' => 2050,
                     'street_addr1' => '1 Main St', 'state' => 'NY', 'postal_code' => '02134', 'city' => 'Boston', 'country' => 'US', 'phone' => '+15551234567')
one = account.merge('i_debit_credit_card' => c.call('addDebitCreditCard', card)['i_debit_credit_card'])
v = c.call('getDebitCreditCardInfo', one)
check('digits', v.values_at('number', 'postal_code', 'phone', 'alias') == ['1111', '02134', '+15551234567', card['alias']], v)
faults = [fault { c.call('getLowBalance', { 'i_account' => 999_999 }) }, fault { c.call('getLowBalance') }, fault { c.call('noSuchMethod') }]
check('fault', faults[0] == [401, 'Wrong i_account'] && faults[1] == [400, 'Parameter i_account is required'] &&
  faults[2][1].include?('do not have a method with that name'), faults)
bad = begin
  Panel.new(USER, 'wrong').call('getLowBalance', account)
rescue RuntimeError => e
  e.message
end
check('password', bad == 'HTTP 401', bad)
results = Panel.new.keep { |kept| Array.new(3) { kept.call('getAccountMinutePlans', account)['result'] } }
check('three', results == ['OK'] * 3, results)
results = Array.new(50) { Thread.new { Panel.new.call('getLowBalance', account)['result'] } }.map(&:value)
check('parallel', results == ['OK'] * 50, results)
text = 'a & b < c > d "é" ц'
c.call('updateDebitCreditCard', one.merge('alias' => text))
v = c.call('getDebitCreditCardInfo', one)
check('text', v['alias'] == text, v)
rows = [0, 1, 1000].map do |n|
  list = Panel.new("rows#{n}", "rows#{n}").call('listAccounts')['accounts']
  n.zero? || list.last['username'] == "a & b <#{n}> \"é\" ц" ? list.length : list.last
end
check('rows', rows == [0, 1, 1000], rows)
calls = [100, 200, 101].map { |id| { 'methodName' => 'setLowBalance', 'params' => [{ 'i_account' => id, 'charge_amount' => 10 }] } }
v = c.call('system.multicall', calls)
check('multicall', v == [[{ 'result' => 'OK' }], { 'faultCode' => 401, 'faultString' => 'Wrong i_account' }, [{ 'result' => 'OK' }]], v)
