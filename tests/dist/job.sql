CREATE VIRTUAL TABLE temp.pet USING mmap('pet.bin', access=create, name text(8), age u32le)
INSERT INTO pet VALUES ('Felix', 3), ('Oscar', 11)
SELECT name, age FROM pet WHERE age > 5
--> Oscar|11
SELECT mmap_size('pet.bin'), mmap_get('pet.bin', 8, 'u32le'), mmap_find('pet.bin', 'Oscar')
--> 24|3|12
SELECT offset, byte FROM mmap('pet.bin') WHERE offset < 2
--> 0|70
--> 1|101
BEGIN
SELECT mmap_patch('pet.bin', 12, 'Sally')
--> 5
SELECT offset, hex(old), hex(new) FROM mmap_changes
--> 12|4F73636172|53616C6C79
SELECT name FROM pet
--> Felix
--> Sally
ROLLBACK
SELECT name FROM pet
--> Felix
--> Oscar
BEGIN
UPDATE pet SET age = age + 1
INSERT INTO pet VALUES ('Rex', 2)
COMMIT
SELECT name, age FROM pet
--> Felix|4
--> Oscar|12
--> Rex|2
SELECT mmap_search('pet.bin', 'O[a-z]+'), lower(hex(mmap_checksum('pet.bin', 'md5')))
--> 12|84621cdbc34d0ebf0893694e10d76a96
