# Drives the UserLand validator and the interop echo tests with RPC::XML. The
# address of the server is the only argument. It prints ok, or every difference.
use strict; use warnings; use utf8;
use Data::Dumper;
use RPC::XML; use RPC::XML::Client;
$RPC::XML::ENCODING = 'utf-8'; $RPC::XML::ALLOW_NIL = 1;
$Data::Dumper::Sortkeys = 1; $Data::Dumper::Indent = 0; $Data::Dumper::Useqq = 1;
my $client = RPC::XML::Client->new(shift);
my $failed = 0;

sub ask {
    my $r = $client->send_request(@_);
    return ref $r ? $r : RPC::XML::fault->new(0, "$r");
}
# Numbers of a reply are text: both sides are compared as text, and the reply's class tells the type on the wire.
sub text { my $v = shift; my $r = ref $v;
    return $r eq 'HASH' ? { map { $_ => text($v->{$_}) } keys %{$v} } : $r eq 'ARRAY' ? [ map { text($_) } @{$v} ] : defined $v ? "$v" : undef }
sub check { my ($what, $r, $type, $want) = @_;
    my ($got, $good) = map { Dumper(text($_)) } $r->value, $want;
    return if ref $r eq "RPC::XML::$type" && $got eq $good;
    $failed++; print "$what: got ", ref $r, " $got, want $type $good\n"; }
sub refused { my ($what, $r) = @_;
    return if $r->is_fault && $r->code == -32602;
    $failed++; print "$what: no fault\n"; }
sub int_of { return RPC::XML::int->new(shift) }
sub double_of { return RPC::XML::double->new(shift) }
sub string_of { return RPC::XML::string->new(shift) }

my $v = 'validator1.';
my @stooges = ({ curly => 5, larry => 1, moe => 2 }, { curly => -7, larry => 3 }, { curly => 40 });
check('arrayOfStructsTest', ask($v . 'arrayOfStructsTest', \@stooges), 'int', 38);
check('countTheEntities', ask($v . 'countTheEntities', q{<<>&&&'""'' plain é}), 'struct',
    { ctLeftAngleBrackets => 2, ctRightAngleBrackets => 1, ctAmpersands => 3, ctApostrophes => 3, ctQuotes => 2 });
check('easyStructTest', ask($v . 'easyStructTest', { moe => 1, larry => 20, curly => 300 }), 'int', 321);
my $nested = { substruct0 => { moe => 1, larry => 2, curly => -3 }, list => [ 1, 'two', [3.5] ], empty => {}, none => RPC::XML::nil->new, 'Ж <&>' => 'Ж <&> ]]>' };
check('echoStructTest', ask($v . 'echoStructTest', $nested), 'struct', { %{$nested}, none => undef });
my $bytes = join '', map { chr } 0 .. 255;
my $date = '20260407T09:57:29';
check('manyTypesTest', ask($v . 'manyTypesTest', int_of(-7), RPC::XML::boolean->new(1), 'café & co', double_of(2.5),
    RPC::XML::datetime_iso8601->new($date), RPC::XML::base64->new($bytes)), 'array', [ -7, 1, 'café & co', 2.5, $date, $bytes ]);
check('moderateSizeArrayCheck', ask($v . 'moderateSizeArrayCheck', [ map { "word$_" } 0 .. 149 ]), 'string', 'word0word149');
my %calendar;
for my $y (1999, 2000) { for my $m (1 .. 12) { for my $d (1 .. 28) {
    $calendar{$y}{ sprintf '%02d', $m }{ sprintf '%02d', $d } = { moe => $y, larry => $m, curly => $d } } } }
check('nestedStructTest', ask($v . 'nestedStructTest', \%calendar), 'int', 2005);
check('simpleStructReturnTest', ask($v . 'simpleStructReturnTest', 12), 'struct', { times10 => 120, times100 => 1200, times1000 => 12000 });

my $e = 'interopEchoTests.echo';
check('echoString', ask($e . 'String', string_of($_)), 'string', $_) for '', 'a & b < c > d "é" ц', '02134', " a\n";
check('echoStringArray', ask($e . 'StringArray', [ string_of(''), string_of('a'), string_of('007') ]), 'array', [ '', 'a', '007' ]);
check('echoInteger', ask($e . 'Integer', int_of($_)), 'int', $_) for 0, -1, 2147483647, -2147483648;
check('echoIntegerArray', ask($e . 'IntegerArray', [ 1, -2, 3 ]), 'array', [ 1, -2, 3 ]);
check('echoFloat', ask($e . 'Float', double_of($_)), 'double', $_) for -2.5, 5.25, 0.125;
check('echoFloat', ask($e . 'Float', double_of(3)), 'double', '3.0');
check('echoFloatArray', ask($e . 'FloatArray', [ double_of(1.5), double_of(-0.25) ]), 'array', [ 1.5, -0.25 ]);
my $mixed = { varString => '<>&', varInt => 5, varFloat => 3.5 };
check('echoStruct', ask($e . 'Struct', $mixed), 'struct', $mixed);
check('echoStructArray', ask($e . 'StructArray', [ $mixed, {} ]), 'array', [ $mixed, {} ]);
check('echoBase64', ask($e . 'Base64', RPC::XML::base64->new($bytes)), 'base64', $bytes);
check('echoDate', ask($e . 'Date', RPC::XML::datetime_iso8601->new($date)), 'datetime_iso8601', $date);
check('echoValue', ask($e . 'Value', $_->[0]), $_->[1], $_->[2]) for
    [ 'a', 'string', 'a' ], [ 1, 'int', 1 ], [ 2.5, 'double', 2.5 ], [ RPC::XML::boolean->new(0), 'boolean', 0 ], [ [ 1, 'a' ], 'array', [ 1, 'a' ] ],
    [ $mixed, 'struct', $mixed ], [ RPC::XML::nil->new, 'nil', undef ], [ '9876543210', 'int', 9876543210 ]; # sent as i8; we write int (1.10.2)
check('noInParams', ask('interopEchoTests.noInParams'), 'string', 'topupd');
my $toolkit = ask('interopEchoTests.whichToolkit')->value;
check('whichToolkit', RPC::XML::array->new(sort keys %{$toolkit}), 'array', [ map { "toolkit$_" } qw(DocsUrl Name OperatingSystem Version) ]);
# A digit string that is not wrapped goes as an integer.
refused('echoString', ask($e . 'String', '02134'));
refused('echoFloat', ask($e . 'Float', 1));
refused('echoIntegerArray', ask($e . 'IntegerArray', ['x']));

# Without the setting this stack declares us-ascii.
$RPC::XML::ENCODING = 'us-ascii';
check('us-ascii', ask($e . 'String', 'plain & simple'), 'string', 'plain & simple');

print "ok\n" unless $failed;
exit($failed ? 1 : 0);
