DROP TABLE delegation;
