// lib/pq: prepared statements, simple queries, COPY in, a rolled-back change.
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/lib/pq"
)

func main() {
	dsn := fmt.Sprintf("host=%s port=%s dbname=%s user=app_user sslmode=disable", os.Args[1], os.Args[2], os.Args[3])
	db, err := sql.Open("postgres", dsn)
	check(err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("select set_config('quivive.agent', $1, false), set_config('quivive.contact', $2, false)", "pq.agent", "A-4")
	check(err)
	read, err := db.Prepare("select id, last_name from customer where id = $1")
	check(err)
	for key := 1; key <= 5; key++ {
		var id int64
		var name string
		check(read.QueryRow(key).Scan(&id, &name))
		fmt.Println(id, name)
	}
	rows, err := db.Query("select id, phone from customer where id between 10 and 29 order by id")
	check(err)
	count := 0
	for rows.Next() {
		count++
	}
	check(rows.Close())
	fmt.Println("rows", count)
	change, err := db.Begin()
	check(err)
	for key := 30; key <= 32; key++ {
		_, err = change.Exec("update customer set email = $1 where id = $2", "x@example.invalid", key)
		check(err)
	}
	copied, err := change.Prepare(pq.CopyIn("reason_code", "code", "label"))
	check(err)
	for _, code := range []string{"X", "Y"} {
		_, err = copied.Exec(code, "label")
		check(err)
	}
	_, err = copied.Exec()
	check(err)
	check(copied.Close())
	check(change.Rollback())
	_, err = db.Exec("select nothing from customer")
	var refused *pq.Error
	if errors.As(err, &refused) {
		fmt.Println("error", refused.Code)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
