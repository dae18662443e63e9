<?php
/** PDO pgsql: prepared and emulated statements, a cursor, a rolled-back change. */
function acting_as(PDO $db, string $agent, string $contact): void {
    $db->prepare("select set_config('quivive.agent', ?, false), set_config('quivive.contact', ?, false)")
       ->execute([$agent, $contact]);
}

[, $host, $port, $name] = $argv;
$db = new PDO("pgsql:host=$host;port=$port;dbname=$name", 'app_user', null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
acting_as($db, 'php.agent', 'A-2');
$read = $db->prepare('select id, last_name from customer where id = ?');
foreach (range(1, 5) as $key) {
    $read->execute([$key]);
    foreach ($read as $row) echo $row['id'], ' ', $row['last_name'], "\n";
}
$emulated = $db->prepare('select id, last_name from customer where id = ?', [PDO::ATTR_EMULATE_PREPARES => true]);
$emulated->execute([6]);
echo $emulated->fetchColumn(1), "\n";
$db->beginTransaction();
$db->exec('declare pieces cursor for select id, phone from customer where id between 10 and 29 order by id');
$count = 0;
while ($rows = $db->query('fetch 7 from pieces')->fetchAll()) $count += count($rows);
echo "cursor $count\n";
$change = $db->prepare('update customer set email = ? where id = ?');
foreach (range(30, 32) as $key) $change->execute(['x@example.invalid', $key]);
$db->rollBack();
try {
    $db->query('select nothing from customer');
} catch (PDOException $error) {
    echo 'error ', $error->getCode(), "\n";
}
