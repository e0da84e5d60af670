-- Undoes 0004_existence_step; steps under way have to be made again.

DROP TABLE existence_step;
