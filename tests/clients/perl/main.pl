# DBD::Pg: prepared statements, a rolled-back change.
use strict; use warnings; use DBI;
my ($host, $port, $name) = @ARGV;
my $db = DBI->connect("dbi:Pg:host=$host;port=$port;dbname=$name", 'app_user', '', { RaiseError => 1, PrintError => 0 });
$db->do("select set_config('quivive.agent', ?, false), set_config('quivive.contact', ?, false)", undef, 'perl.agent', 'A-5');
my $read = $db->prepare('select id, last_name from customer where id = ?');
for my $key (1 .. 5) {
    $read->execute($key);
    while (my @row = $read->fetchrow_array) { print "@row\n" }
}
my $rows = $db->selectall_arrayref('select id, phone from customer where id between 10 and 29 order by id');
print 'rows ', scalar @$rows, "\n";
$db->begin_work;
my $change = $db->prepare('update customer set email = ? where id = ?');
$change->execute('x@example.invalid', $_) for 30 .. 32;
$db->rollback;
eval { $db->do('select nothing from customer') } or print 'error ', $db->state, "\n";
