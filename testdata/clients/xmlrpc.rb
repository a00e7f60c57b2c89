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
  def initialize(password)
    @uri = URI.parse(URL)
    @uri.user, @uri.password = USER, password
    @http = Net::HTTP.new(@uri.host, @uri.port, nil)
  end

  def call(method, params = {})
    body = XMLRPC::Create.new.methodCall(method, params)
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

c = Panel.new(PASSWORD)
v = c.call('getLowBalance', 'i_account' => 101)
check('nil-read', v['result'] == 'OK' && v.key?('threshold') && v['threshold'].nil?, v)
c.call('setLowBalance', 'i_account' => 100, 'threshold' => 5.25)
before = c.call('getLowBalance', 'i_account' => 100)['threshold']
c.call('setLowBalance', 'i_account' => 100, 'threshold' => nil)
check('nil-write', before == 5.25 && c.call('getLowBalance', 'i_account' => 100)['threshold'].nil?, before)
c.call('setLowBalance', 'i_account' => 100, 'charge_amount' => 10, 'notify_by_email' => 1)
v = c.call('getLowBalance', 'i_account' => 100)
check('ints', v['charge_amount'].eql?(10.0) && v['notify_by_email'] == true, v)
v = c.call('accountCredit', 'i_account' => 100, 'amount' => 1, 'currency' => 'USD', 'payment_notes' => '02134')
check('digits', v == { 'result' => 'OK' }, v)
faults = [fault { c.call('getLowBalance', 'i_account' => 999_999) }, fault { c.call('getLowBalance') }, fault { c.call('noSuchMethod') }]
check('fault', faults[0] == [401, 'Wrong i_account'] && faults[1] == [400, 'Parameter i_account is required'] &&
  faults[2][1].include?('do not have a method with that name'), faults)
bad = begin
  Panel.new('wrong').call('getLowBalance', 'i_account' => 100)
rescue RuntimeError => e
  e.message
end
check('password', bad == 'HTTP 401', bad)
results = Array.new(50) { Thread.new { Panel.new(PASSWORD).call('getLowBalance', 'i_account' => 100)['result'] } }.map(&:value)
check('parallel', results == ['OK'] * 50, results)
text = 'a & b < c > d "é" ц'
v = c.call('test.echo', 'value' => text)
check('text', v['value'] == text, v)
counts = [0, 1, 1000].map { |n| c.call('test.rows', 'count' => n)['rows'].length }
check('rows', counts == [0, 1, 1000], counts)
