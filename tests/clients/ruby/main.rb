# ruby-pg: simple, prepared and single-row mode, a rolled-back change.
require 'pg'
host, port, name = ARGV
db = PG.connect(host: host, port: port, dbname: name, user: 'app_user')
db.exec_params("select set_config('quivive.agent', $1, false), set_config('quivive.contact', $2, false)", ['ruby.agent', 'A-6'])
db.prepare('read', 'select id, last_name from customer where id = $1')
(1..5).each { |key| db.exec_prepared('read', [key]).each_row { |row| puts row.join(' ') } }
db.send_query('select id, phone from customer where id between 10 and 29 order by id')
db.set_single_row_mode
count = 0
while (result = db.get_result)
  count += result.ntuples
end
puts "rows #{count}"
begin
  db.transaction do |open|
    (30..32).each { |key| open.exec_params('update customer set email = $1 where id = $2', ['x@example.invalid', key]) }
    raise StopIteration
  end
rescue StopIteration
  puts 'rolled back'
end
begin
  db.exec('select nothing from customer')
rescue PG::Error => error
  puts "error #{error.result.error_field(PG::Result::PG_DIAG_SQLSTATE)}"
end
